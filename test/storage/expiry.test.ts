import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { CorruptRecordError, InvalidRecordError } from "../../src/errors.ts";
import { isExpired, RecordExpiry, readExpiresAt, readExpiryOf, requireTime } from "../../src/storage/expiry.ts";
import { impossibleExpiries } from "../support/impossible-expiries.ts";

const location = { repository: "test", key: "confidential" };
const byMember = new RecordExpiry<unknown>(undefined);

function throwIt(thrown: unknown): never {
  throw thrown;
}

describe("the expiry of a record", () => {
  test.each([0, -0, -1, -1e300, 0.25, 1_800_000_000, 1_800_000_000.123, Date.UTC(2200, 11, 31) / 1000])(
    "may be %d",
    (expiresAt) => {
      expect(byMember.ofNew({ expiresAt })).toBe(expiresAt);
      expect(byMember.ofStored({ expiresAt }, location)).toBe(expiresAt);
    },
  );

  test.each([undefined, null, 0, "text with expiresAt", {}, { expiresAt: undefined }, () => ({ expiresAt: 0 })])(
    "is none for %j",
    (record) => {
      expect(byMember.ofNew(record)).toBeUndefined();
      expect(readExpiresAt(record)).toBeUndefined();
    },
  );

  test.each(impossibleExpiries)("cannot be $kind, and the refusal names the likely mistake", ({ expiresAt, hint }) => {
    const refusal = { code: "ERR_INVALID_RECORD", message: expect.stringMatching(hint) };
    expect(() => byMember.ofNew({ expiresAt })).toThrow(expect.objectContaining(refusal));
    expect(() => new RecordExpiry<object>(() => JSON.parse("[]")).ofNew({})).toThrow(InvalidRecordError);
    expect(() => byMember.ofStored({ expiresAt }, location)).toThrow(CorruptRecordError);
    expect(() => byMember.ofStored({ expiresAt }, location)).not.toThrow(/confidential/);
  });

  test("tells milliseconds, microseconds and nanoseconds from years that are too far", () => {
    const now = 1_800_000_000;
    const messageFor = (expiresAt: number) => {
      try {
        return `${byMember.ofNew({ expiresAt })}`;
      } catch (error) {
        return String(error);
      }
    };
    expect(messageFor(now * 1e3)).toContain("milliseconds: divide it by 1000");
    expect(messageFor(now * 1e6)).toContain("microseconds: divide it by 1000000");
    expect(messageFor(now * 1e9)).toContain("nanoseconds: divide it by 1000000000");
    expect(messageFor(Number.MAX_VALUE)).toContain("leave it out");
    expect(messageFor(Date.UTC(2201, 0, 1) / 1000)).toContain("beyond the year 2200");
  });

  test("may be read by an option, as a date or as seconds, of this realm or of another", () => {
    const read = new RecordExpiry<{ until: Date | number | undefined }>(({ until }) => until);
    expect(read.ofNew({ until: new Date(1500) })).toBe(1.5);
    expect(read.ofNew({ until: runInNewContext("new Date(1500)") })).toBe(1.5);
    expect(read.ofNew({ until: 2 })).toBe(2);
    expect(read.ofNew({ until: undefined })).toBeUndefined();
    expect(() => read.ofNew({ until: new Date(Number.NaN) })).toThrow(InvalidRecordError);
    expect(() => read.ofNew({ until: Date.now() })).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_RECORD", message: expect.stringMatching(/divide/) }),
    );
  });

  test("that an option fails to read is refused and corrupt, and nothing of the record is shown", () => {
    const failing = new RecordExpiry<string>((value) => {
      throw new RangeError(value);
    });
    expect(() => failing.ofNew("confidential")).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_RECORD", message: expect.stringMatching(/RangeError/) }),
    );
    expect(() => failing.ofNew("confidential")).not.toThrow(/confidential/);
    expect(() => failing.ofStored("confidential", location)).toThrow(CorruptRecordError);
  });

  test.each<readonly [string, () => never]>([
    ["undefined", () => throwIt(undefined)],
    ["a text", () => throwIt("confidential")],
    [
      "a proxy that nobody can look at",
      () => throwIt(new Proxy({}, { getPrototypeOf: () => throwIt("confidential") })),
    ],
    [
      "an error without a name",
      () => throwIt(Object.defineProperty(new Error("confidential"), "name", { get: () => throwIt("confidential") })),
    ],
  ])("of which an option throws %s is refused and corrupt", (_, read) => {
    const failing = new RecordExpiry<object>(read);
    expect(() => failing.ofNew({})).toThrow(InvalidRecordError);
    expect(() => failing.ofStored({}, location)).toThrow(CorruptRecordError);
    expect(() => failing.ofNew({})).not.toThrow(/confidential/);
  });

  test("that an option reads later is no time, and the process goes on", async () => {
    const unheard: unknown[] = [];
    const hear = (reason: unknown) => unheard.push(reason);
    process.on("unhandledRejection", hear);
    // As JavaScript may give it, which nobody checks.
    for (const later of ["async () => 5", "async () => { throw new Error('confidential'); }"]) {
      const expiry = new RecordExpiry<object>(runInNewContext(later));
      expect(() => expiry.ofNew({})).toThrow(
        expect.objectContaining({ code: "ERR_INVALID_RECORD", message: expect.stringMatching(/must not be async/) }),
      );
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off("unhandledRejection", hear);
    expect(unheard).toEqual([]);
  });

  test("may be another one in a copy by a second, as where it is counted from now, and by no more", () => {
    for (const kept of [5, 4, 6]) expect(() => byMember.requireKept(5, { expiresAt: kept })).not.toThrow();
    expect(() => byMember.requireKept(undefined, {})).not.toThrow();
    for (const [given, copy] of [
      [5, { expiresAt: 3.9 }],
      [5, { expiresAt: 6.1 }],
      [5, {}],
      [undefined, { expiresAt: 5 }],
    ] as const) {
      expect(() => byMember.requireKept(given, copy)).toThrow(expect.objectContaining({ code: "ERR_INVALID_RECORD" }));
    }
  });

  test("is told to whoever is in front of a repository by what reads it, where that is a function", () => {
    const read = () => 5;
    expect(readExpiryOf({ readExpiry: read })).toBe(read);
    expect(readExpiryOf({})).toBeUndefined();
    expect(Reflect.apply(readExpiryOf, undefined, [{ readExpiry: "until" }])).toBeUndefined();
    expect(readExpiresAt({ expiresAt: 5 })).toBe(5);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e9, 1_800_000_000, 9_999_999_999])(
    "is compared with no clock that says %d",
    (now) => {
      const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });
      expect(() => requireTime(now)).toThrow(refusal);
      expect(() => isExpired(5, now)).toThrow(refusal);
    },
  );

  test.each([0, -5, 999_999_999, 1e10, 1_800_000_000_000])("is compared with a clock that says %d", (now) => {
    expect(requireTime(now)).toBe(now);
  });

  test("has come at its very moment; 0 and all before is long ago", () => {
    expect([59_999, 60_000].map((now) => isExpired(60, now))).toEqual([false, true]);
    expect(isExpired(undefined, Number.MAX_SAFE_INTEGER)).toBe(false);
    expect([0, -0, -1, -1e300].map((expiresAt) => isExpired(expiresAt, Date.now()))).toEqual([true, true, true, true]);
  });
});
