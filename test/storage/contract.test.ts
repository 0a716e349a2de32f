import { expect, test } from "vitest";
import { requireRepository } from "../../src/storage/contract.ts";
import { hasIndexes, isIndexedBy } from "../../src/storage/indexed.ts";
import { layersOf, noteLayer } from "../../src/storage/layers.ts";
import { canReadBack } from "../../src/storage/read-back.ts";

const method = () => undefined;
const whole = { get: method, set: method, delete: method, take: method, add: method };

test("a repository has all of its methods, and is no repository without any of them", () => {
  expect(() => requireRepository("The repository", whole)).not.toThrow();
  for (const name of Object.keys(whole)) {
    const without = { ...whole, [name]: undefined };
    expect(() => requireRepository("The repository", without), name).toThrow(
      expect.objectContaining({ code: "ERR_CONFIGURATION" }),
    );
  }
});

test.each([
  ["nothing", undefined, false],
  ["null", null, false],
  ["a text", "text", false],
  ["a repository", whole, false],
  ["names without a method", { ...whole, indexNames: ["user"] }, false],
  ["names and something else of the method's name", { ...whole, indexNames: ["user"], entriesBy: [] }, false],
  ["a method without names", { ...whole, entriesBy: method }, false],
  ["a method and one name as a text", { ...whole, entriesBy: method, indexNames: "user" }, false],
  ["both", { ...whole, entriesBy: method, indexNames: ["user"] }, true],
])("by an index is found in %s: %#", (_, repository, isFound) => {
  expect(Reflect.apply(hasIndexes, undefined, [repository])).toBe(isFound);
  expect(Reflect.apply(isIndexedBy, undefined, [repository, "user"])).toBe(isFound);
  expect(Reflect.apply(isIndexedBy, undefined, [repository, "client"])).toBe(false);
});

test("what a read would give back is told by a method of that name, and by nothing else", () => {
  expect(
    [whole, { ...whole, readBack: [] }, { ...whole, readBack: method }].map((one) =>
      Reflect.apply(canReadBack, undefined, [one]),
    ),
  ).toEqual([false, false, true]);
});

test("a repository has its layers from the front to the back", () => {
  const [front, middle, back] = [{}, {}, {}];
  noteLayer(front, middle);
  noteLayer(middle, back);
  expect([...layersOf(front)]).toEqual([front, middle, back]);
  expect([...layersOf(front)][2]).toBe(back);
  expect([...layersOf(back)]).toEqual([back]);
});
