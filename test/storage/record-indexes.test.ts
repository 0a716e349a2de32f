import { describe, expect, test } from "vitest";
import { KeyRing } from "../../src/secrets/key-ring.ts";
import { keyedLabels, labelsOf } from "../../src/storage/codecs/labels.ts";
import { RecordIndexes } from "../../src/storage/record-indexes.ts";

interface Person {
  readonly name: string;
  readonly town?: string;
}

const plain = {};
const people = new RecordIndexes<Person>({ town: ({ town }) => town, name: ({ name }) => name }, plain);
const ada = { name: "Ada", town: "London" };

const madeOf = (indexes: unknown) => () => Reflect.construct(RecordIndexes, [indexes, plain]);
const read = () => "a";

describe("the indexes of a repository", () => {
  test.each([
    ["a text", "name"],
    ["more than three", { a: read, b: read, c: read, d: read }],
    ["one without a name", { "": read }],
    ["a name with capitals", { Name: read }],
    ["a name with a capital at its end", { namE: read }],
    ["a name that begins with a digit", { "1st": read }],
    ["a name that begins with a line", { _name: read }],
    ["a name of 33", { ["a".repeat(33)]: read }],
    ["a name with what is no letter", { "a-b": read }],
    ["one that reads nothing", { name: "name" }],
  ])("are refused: %s", (_, indexes) => {
    expect(madeOf(indexes)).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  });

  test.each([
    ["none", undefined, []],
    ["nothing in an object", {}, []],
    ["three, in the order of their names", { c: read, a_1: read, b: read }, ["a_1", "b", "c"]],
    ["a name of 32", { ["a".repeat(32)]: read }, ["a".repeat(32)]],
    ["a name of one letter", { z: read }, ["z"]],
  ])("are taken: %s", (_, indexes, names) => {
    expect(madeOf(indexes)()).toMatchObject({ names });
  });
});

describe("what is kept beside a record", () => {
  test("is nothing without indexes, and no scheme is known", () => {
    const none = new RecordIndexes<Person>(undefined, plain);
    expect([none.entryOf(ada, "people"), none.schemes()]).toEqual([undefined, []]);
  });

  test("is a label for each index, and none where the record is not in it", () => {
    const [scheme] = people.schemes();
    const label = (index: string, value: string) => people.queryFor(index, value, "people").labels[0];
    expect(people.entryOf(ada, "people")).toEqual({ scheme, labels: [label("name", "Ada"), label("town", "London")] });
    expect(people.entryOf({ name: "Ada" }, "people")).toEqual({ scheme, labels: [label("name", "Ada"), undefined] });
    expect(people.schemes()).toHaveLength(1);
    expect(scheme).toMatch(/\.name\.town$/);
    const others = new RecordIndexes<Person>({ name: ({ name }) => name }, plain);
    expect(others.schemes()).not.toEqual(people.schemes());
  });

  test("is another label for another repository, index or value", () => {
    const labels = [
      people.queryFor("name", "Ada", "people"),
      people.queryFor("name", "Ada", "others"),
      people.queryFor("town", "Ada", "people"),
      people.queryFor("name", "Bob", "people"),
    ].flatMap((query) => query.labels);
    expect(new Set(labels).size).toBe(4);
  });

  test("is made with the first of several keys, and is looked up by all", () => {
    const [older, newer] = ["an older secret that is long enough", "a newer secret that is long enough"];
    const before = new RecordIndexes<Person>(
      { name: ({ name }) => name },
      { labels: keyedLabels(KeyRing.from(older)) },
    );
    const after = new RecordIndexes<Person>(
      { name: ({ name }) => name },
      { labels: keyedLabels(KeyRing.from([newer, older])) },
    );
    const [written, found] = [before.entryOf(ada, "people"), after.queryFor("name", "Ada", "people")];
    expect(found.labels).toEqual([after.entryOf(ada, "people")?.labels[0], written?.labels[0]]);
    expect(after.schemes()).toEqual([after.entryOf(ada, "people")?.scheme, written?.scheme]);
    expect(new Set(after.schemes()).size).toBe(2);
  });

  test("is no label while there are no keys yet, in a scheme that nobody knows", () => {
    const keyless = new RecordIndexes<Person>({ name: ({ name }) => name }, { labels: () => [] });
    expect(keyless.entryOf(ada, "people")).toEqual({ scheme: "", labels: [undefined] });
    expect([keyless.schemes(), keyless.queryFor("name", "Ada", "people").labels]).toEqual([[], []]);
  });

  test("goes by the key that has made the label, also where that came while it was made", () => {
    let keyId = "first";
    const changing = new RecordIndexes<Person>(
      {
        name: ({ name }) => {
          keyId = "second";
          return name;
        },
      },
      { labels: (text) => [{ keyId, label: text }] },
    );
    expect(changing.entryOf(ada, "people")?.scheme).toBe("second.name");
    keyId = "first";
    const nowhere = new RecordIndexes<Person>({ town: ({ town }) => town }, { labels: () => [{ keyId, label: "a" }] });
    expect(nowhere.entryOf({ name: "Ada" }, "people")).toEqual({ scheme: "first.town", labels: [undefined] });
  });

  test.each<readonly [string, () => unknown]>([
    ["an index reads no text of it", () => 5],
    ["an index reads null of it", () => null],
    [
      "an index throws",
      () => {
        throw new RangeError("confidential");
      },
    ],
  ])("is refused where %s", (_, reader) => {
    const indexes: RecordIndexes<Person> = Reflect.construct(RecordIndexes, [{ name: reader }, plain]);
    const refusal = { code: "ERR_INVALID_RECORD", message: expect.not.stringContaining("confidential") };
    expect(() => indexes.entryOf(ada, "people")).toThrow(expect.objectContaining(refusal));
  });
});

describe("a search", () => {
  test("by an index that there is not, or for what is no text, is refused", () => {
    const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });
    expect(() => people.queryFor("age", "5", "people")).toThrow(refusal);
    expect(() => new RecordIndexes(undefined, plain).queryFor("age", "5", "people")).toThrow(refusal);
    expect(() => Reflect.apply(people.queryFor, people, ["name", 5, "people"])).toThrow(refusal);
  });

  test("means the records that have the value", () => {
    const query = people.queryFor("town", "London", "people");
    expect(
      [ada, { name: "London" }, { name: "Bob", town: "Paris" }].map((one) => people.isMeant(one, query, "London")),
    ).toEqual([true, false, false]);
    expect(people.isMeant(ada, { ...query, position: 7 }, "London")).toBe(false);
  });
});

test("a label is the same for the same text and key, and tells nothing of the text where it has a key", () => {
  const keys = KeyRing.from("a secret that is long enough for a test");
  const labels = keyedLabels(keys);
  expect(labels("ada")).toEqual(labels("ada"));
  expect(labels("ada")).not.toEqual(labels("bob"));
  expect(labelsOf({ labels }, "ada")).toEqual(labels("ada"));
  expect(labels("ada")[0]?.label).toMatch(/^[\w-]{43}$/);
  const [withoutKey] = labelsOf({}, "ada");
  // The SHA-256 of the text, which anybody can make.
  expect(withoutKey).toEqual({ keyId: "plain", label: "_e5DDUC9V97qwYbNl5ADPQ8G-QmogG585ucXq3x9UCk" });
});
