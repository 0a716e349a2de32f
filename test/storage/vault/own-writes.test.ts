import { expect, test } from "vitest";
import { OwnWrites } from "../../../src/storage/vault/own-writes.ts";

const knowing = (maxKnownIds = 10) => {
  const writes = new OwnWrites(maxKnownIds);
  writes.remember("a", { id: "pvi_a", version: 2 });
  return writes;
};

test.each([
  ["an earlier version of the item", { id: "pvi_a", version: 1 }, { id: "pvi_a", version: 2 }],
  ["a later version of the item", { id: "pvi_a", version: 3 }, { id: "pvi_a", version: 3 }],
  ["another item", { id: "pvi_b", version: 1 }, { id: "pvi_b", version: 1 }],
])("a name after %s is known to be the newest that was seen", (_, item, known) => {
  const writes = knowing();
  writes.remember("a", item);
  expect(writes.get("a")).toEqual(known);
  expect(writes.get("other")).toBeUndefined();
});

test("a name is forgotten where it is that of the item, and not where it is that of another", () => {
  const writes = knowing();
  writes.forget("a", "pvi_b");
  writes.forget("other", "pvi_a");
  expect(writes.get("a")).toEqual({ id: "pvi_a", version: 2 });
  writes.forget("a", "pvi_a");
  expect(writes.get("a")).toBeUndefined();
});

test("an item that was deleted is known as such, and its name is forgotten", () => {
  const writes = knowing();
  expect(writes.isDeleted("pvi_a")).toBe(false);
  writes.rememberDeleted({ name: "a", id: "pvi_a" });
  expect(writes.isDeleted("pvi_a")).toBe(true);
  expect(writes.isDeleted("pvi_b")).toBe(false);
  expect(writes.get("a")).toBeUndefined();
});

test("no more names are known than was asked for", () => {
  const writes = knowing(1);
  writes.remember("b", { id: "pvi_b", version: 1 });
  expect(writes.get("a")).toBeUndefined();
  expect(writes.get("b")).toBeDefined();
});

test("nothing is known after it was cleared", () => {
  const writes = knowing();
  writes.rememberDeleted({ name: "b", id: "pvi_b" });
  writes.clear();
  expect(writes.get("a")).toBeUndefined();
  expect(writes.isDeleted("pvi_b")).toBe(false);
});

const place = { indexPlace: "here", recordPlace: "there", addedWith: "mark" };

test.each([
  ["is not in the index, without the mark of its add", { addedWith: "mark" }, {}],
  ["is in the index", { ...place, recordPlace: undefined }, { ...place, recordPlace: undefined }],
  ["should be in the index", { ...place, indexPlace: undefined }, { ...place, indexPlace: undefined }],
  ["is elsewhere in the index", place, place],
])("of an item is known what is needed where it %s", (_, rest, known) => {
  const writes = new OwnWrites(10);
  writes.remember("a", { id: "pvi_a", version: 1, indexPlace: undefined, ...rest });
  expect(writes.get("a")).toStrictEqual({ id: "pvi_a", version: 1, ...known });
});

test("what is known of an item stays where the same version is seen again", () => {
  const writes = new OwnWrites(10);
  writes.remember("a", { id: "pvi_a", version: 1, ...place });
  writes.remember("a", { id: "pvi_a", version: 1 });
  expect(writes.get("a")).toStrictEqual({ id: "pvi_a", version: 1, ...place });
});

test("what is deleted is known for a thousand items at the most", () => {
  const writes = new OwnWrites(10);
  for (let n = 0; n <= 1_000; n += 1) writes.rememberDeleted({ name: "a", id: `pvi_${n}` });
  expect([writes.isDeleted("pvi_0"), writes.isDeleted("pvi_1")]).toEqual([false, true]);
});
