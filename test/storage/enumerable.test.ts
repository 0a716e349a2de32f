import { expect, test } from "vitest";
import { isEnumerable } from "../../src/storage/enumerable.ts";
import { InMemoryRepository } from "../../src/storage/in-memory.ts";

test.each([
  ["lists its records", {}, true],
  ["has no such method", { entries: undefined }, false],
  ["has something else of the name", { entries: [] }, false],
])("a repository that %s: %#", (_, changed, listed) => {
  expect(isEnumerable(Object.assign(new InMemoryRepository(), changed))).toBe(listed);
});
