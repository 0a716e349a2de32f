import { expect, test } from "vitest";
import { boundedCache } from "../../src/storage/bounded-cache.ts";

test("a bounded cache keeps as many entries as it was told, those that were used last", () => {
  const cache = boundedCache<string, number>(2);
  cache.set("a", 1);
  cache.set("b", 2);
  expect(cache.get("a")).toBe(1);
  cache.set("c", 3);
  expect([...cache.keys()].sort()).toEqual(["a", "c"]);
});
