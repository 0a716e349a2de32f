import { expect, test } from "vitest";
import { cachedSetup } from "../support/cached-setup.ts";

test("what one cache holds no other does", async () => {
  const one = cachedSetup();
  const other = cachedSetup();
  await one.cache.set("a", { text: "one" });
  expect(await other.cache.get("a")).toBeUndefined();
  await other.cache.set("a", { text: "other" });
  expect(await one.cache.get("a")).toEqual({ text: "one" });
});
