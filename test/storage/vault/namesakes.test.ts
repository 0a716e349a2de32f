import { describe, expect, test } from "vitest";
import { groupByName, isOlder, oldestFirst, recordAmong } from "../../../src/storage/vault/namesakes.ts";
import { tombstone } from "../../../src/storage/vault/tombstone.ts";
import type { VaultSecret } from "../../../src/storage/vault/vault-service.ts";
import { vaultSecret as secret } from "../../support/vault-secret.ts";

const idsOf = (secrets: readonly VaultSecret[]) => secrets.map(({ id }) => id);

describe("the order of namesakes", () => {
  const early = { writtenAt: "2027-01-01T00:00:00Z" };
  const late = { writtenAt: "2027-01-01T00:00:01Z" };

  test.each([
    ["goes by the time of writing", [secret("a", late), secret("b", early)], ["b", "a"]],
    ["has the set before the add of one moment", [secret("a", { addedWith: "x" }), secret("b")], ["b", "a"]],
    [
      "takes a later version of an add for a set",
      [secret("b"), secret("a", { addedWith: "x", version: 2 })],
      ["a", "b"],
    ],
    ["goes by the ids at last", [secret("b"), secret("a")], ["a", "b"]],
  ])("%s", (_, secrets, order) => {
    expect(idsOf(oldestFirst(secrets))).toEqual(order);
    expect(idsOf(oldestFirst(secrets.toReversed()))).toEqual(order);
  });

  test("is that of each name where there are several names", () => {
    const groups = groupByName([secret("a", late), secret("c", { name: "c" }), secret("b", early)]);
    expect([...groups].map(([name, group]) => [name, idsOf(group)])).toEqual([
      ["a", ["b", "a"]],
      ["c", ["c"]],
    ]);
  });
});

test.each([
  ["was created before", { createdAt: "2027-01-01T00:00:01Z" }, {}, [false, true]],
  ["has the smaller id, at one moment", {}, {}, [true, false]],
])("of two items the older one %s", (_, ofA, ofB, expected) => {
  const [a, b] = [secret("a", ofA), secret("b", ofB)];
  expect([isOlder(a, b), isOlder(b, a)]).toEqual(expected);
  expect(isOlder(a, a)).toBe(false);
});

describe("the record among namesakes", () => {
  const isLive = ({ text }: VaultSecret): boolean => text === "live" || text === undefined;
  const added = { addedWith: "x" };

  test.each<[string, VaultSecret[], record: string | undefined, replaced: string[]]>([
    ["is none among none", [], undefined, []],
    ["is the only one", [secret("a")], "a", []],
    ["is the last that a set wrote", [secret("a"), secret("b"), secret("c")], "c", ["a", "b"]],
    ["is the set before an add, which has lost", [secret("a"), secret("b", added)], "a", []],
    ["is the add where what stood before it is over", [secret("a", { text: "over" }), secret("b", added)], "b", ["a"]],
    ["is the set after an add", [secret("a", added), secret("b")], "b", ["a"]],
    ["is a set of an item that an add stored", [secret("a"), secret("b", { ...added, version: 2 })], "b", ["a"]],
    ["is the first of two adds", [secret("a", added), secret("b", { addedWith: "y" })], "a", []],
    ["is the first of two items of one add", [secret("a", added), secret("b", added)], "a", ["b"]],
    ["is not what was taken", [secret("a"), secret("b", { text: tombstone() })], "a", []],
    [
      "is not what was taken, though another add of the mark is there",
      [secret("a", added), secret("b", { ...added, version: 2, text: tombstone() })],
      "a",
      [],
    ],
    [
      "is what was taken where nothing else is left",
      [secret("a", { text: "over" }), secret("b", { text: tombstone() })],
      "b",
      ["a"],
    ],
    ["is a set that Vault withholds", [secret("a"), secret("b", { text: undefined })], "b", ["a"]],
  ])("%s", (_, namesakes, record, replaced) => {
    const standing = recordAmong(namesakes, isLive);
    expect(standing?.record.id).toBe(record);
    expect(idsOf(standing?.replaced ?? [])).toEqual(replaced);
  });
});
