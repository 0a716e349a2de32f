import { describe, expect, test } from "vitest";
import { CorruptRecordError, UnreadableRecordsError, UnsealableError } from "../../src/errors.ts";
import { isUnreadable, UnreadableRecords } from "../../src/storage/unreadable-records.ts";

const corrupt = new CorruptRecordError("The test spoils it.");
const unsealable = (keyId?: string) =>
  new UnsealableError("The test has no key.", keyId === undefined ? {} : { keyId });
const failing = (failure: unknown) => () => {
  throw failure;
};

/** What is told at the end; undefined where there is nothing to tell. */
function toldBy(count: (unreadable: UnreadableRecords) => void): UnreadableRecordsError | undefined {
  const unreadable = new UnreadableRecords();
  count(unreadable);
  try {
    unreadable.throwIfAny();
    return undefined;
  } catch (failure) {
    if (failure instanceof UnreadableRecordsError) return failure;
    throw failure;
  }
}

test("only what says that one record cannot be read is such a failure", () => {
  expect([corrupt, unsealable(), new RangeError("odd"), undefined].map(isUnreadable)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

describe("what could not be read", () => {
  test("is nothing where everything was", () => {
    expect(toldBy((unreadable) => expect(unreadable.read(() => "a record")).toBe("a record"))).toBeUndefined();
  });

  test("is counted, each record and each key, and the first failure is the cause", () => {
    const told = toldBy((unreadable) => {
      for (const failure of [corrupt, unsealable("b"), unsealable("a"), unsealable("b"), unsealable()]) {
        expect(unreadable.read(failing(failure))).toBeUndefined();
      }
    });
    expect(told).toMatchObject({ count: 5, keyIds: ["a", "b"], cause: corrupt });
    expect(told?.countByKeyId).toEqual(
      new Map([
        ["a", 1],
        ["b", 2],
      ]),
    );
  });

  test("is no failure of another kind, which is thrown as it is", async () => {
    const outage = new RangeError("odd");
    const unreadable = new UnreadableRecords();
    expect(() => unreadable.read(failing(outage))).toThrow(outage);
    const listing = async function* () {
      yield "a";
      throw outage;
    };
    await expect(unreadable.readAll(listing())).rejects.toBe(outage);
    expect(() => unreadable.throwIfAny()).not.toThrow();
  });

  test("of a whole listing is added up with what was counted before", async () => {
    const unreadable = new UnreadableRecords();
    unreadable.add(unsealable("a"));
    const listing = async function* () {
      yield "x";
      yield "y";
      throw new UnreadableRecordsError("The test spoils some.", {
        count: 3,
        keyIds: ["a", "b"],
        countByKeyId: new Map([
          ["a", 1],
          ["b", 2],
        ]),
        cause: corrupt,
      });
    };
    expect(await unreadable.readAll(listing())).toEqual(["x", "y"]);
    const told = toldBy((other) => {
      try {
        unreadable.throwIfAny();
      } catch (failure) {
        if (failure instanceof UnreadableRecordsError) other.addAll(failure);
      }
    });
    expect(told).toMatchObject({ count: 4, keyIds: ["a", "b"] });
    expect(told?.countByKeyId).toEqual(
      new Map([
        ["a", 2],
        ["b", 2],
      ]),
    );
    expect(told?.cause).toMatchObject({ keyId: "a" });
  });
});

describe("of a listing's failure", () => {
  const ofKeys = (counts: Readonly<Record<string, number>>, cause: unknown, others = 0) =>
    new UnreadableRecordsError("The test spoils some.", {
      count: Object.values(counts).reduce((sum, count) => sum + count, others),
      keyIds: Object.keys(counts),
      countByKeyId: new Map(Object.entries(counts)),
      cause,
    });

  test("so many as are known are not counted again, and how many each key has is no longer known", () => {
    const told = toldBy((unreadable) => unreadable.addAll(ofKeys({ a: 3 }, unsealable("a")), 2));
    expect(told).toMatchObject({ count: 1, keyIds: ["a"] });
    expect(told?.countByKeyId).toBeUndefined();
  });

  test("how many each key has is not known where the listing does not know", () => {
    const failure = new UnreadableRecordsError("The test spoils some.", { count: 2, keyIds: ["a"], cause: corrupt });
    const told = toldBy((unreadable) => unreadable.addAll(failure));
    expect(told).toMatchObject({ count: 2, keyIds: ["a"], cause: corrupt });
    expect(told?.countByKeyId).toBeUndefined();
  });

  test("the records of keys that are left out are not counted, nor is a cause that is one of theirs the cause", () => {
    const failure = ofKeys({ a: 2, b: 3 }, unsealable("a"), 1);
    const told = toldBy((unreadable) => unreadable.addAllBut(failure, new Set(["a", "strange"])));
    expect(told).toMatchObject({ count: 4, keyIds: ["b"], cause: failure });
    expect(told?.countByKeyId).toEqual(new Map([["b", 3]]));
  });

  test.each([
    ["of another key", unsealable("b")],
    ["of no key", unsealable()],
    ["about what is no seal", corrupt],
  ])("a cause %s stays the cause", (_, cause) => {
    const told = toldBy((unreadable) => unreadable.addAllBut(ofKeys({ a: 2, b: 1 }, cause), new Set(["a"])));
    expect(told?.cause).toBe(cause);
  });

  test("nothing is told where all of it is left out", () => {
    expect(
      toldBy((unreadable) => unreadable.addAllBut(ofKeys({ a: 2 }, unsealable("a")), new Set(["a"]))),
    ).toBeUndefined();
  });
});

test.each([
  ["nothing is known of its cause", undefined],
  ["its cause is no error of a record", new RangeError("odd")],
])("a listing's failure is counted where %s and nobody counted by key", (_, cause) => {
  const failure = new UnreadableRecordsError("The test spoils some.", { count: 3, keyIds: ["a", "b"], cause });
  for (const count of [
    (unreadable: UnreadableRecords) => unreadable.addAll(failure),
    (unreadable: UnreadableRecords) => unreadable.addAllBut(failure, new Set(["none of them"])),
  ]) {
    expect(toldBy(count)).toMatchObject({ count: 3, keyIds: ["a", "b"] });
  }
});

test("a listing's failure that is one of keys is no reason to advise that its records are deleted", () => {
  const failure = new UnreadableRecordsError("The test spoils some.", { count: 3, keyIds: [], cause: unsealable() });
  for (const count of [
    (unreadable: UnreadableRecords) => unreadable.addAll(failure),
    (unreadable: UnreadableRecords) => unreadable.addAllBut(failure, new Set()),
  ]) {
    expect(toldBy(count)?.message).not.toMatch(/delete/i);
  }
});

test.each([
  ["keys that are missing", [unsealable("a-key")], /the id a-key/, /delete/i],
  ["several keys that are missing", [unsealable("b-key"), unsealable("a-key")], /the ids a-key, b-key/, /delete/i],
  ["a seal that may open yet", [unsealable(), corrupt], /2 records.*other keys/, /delete/i],
  ["one that is no record", [corrupt], /^1 record .*it can be deleted by its key/, /other keys/],
])("advises what may help: %s", (_, failures, says, never) => {
  const told = toldBy((unreadable) => {
    for (const failure of failures) unreadable.add(failure);
  });
  expect(told?.message).toMatch(says);
  expect(told?.message).not.toMatch(never);
});
