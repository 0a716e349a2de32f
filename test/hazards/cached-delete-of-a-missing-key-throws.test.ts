import { expect, test } from "vitest";
import { cachedSetup } from "../support/cached-setup.ts";

test("delete of a missing key answers false", async () => {
  const { cache } = cachedSetup();
  expect(await cache.delete("a")).toBe(false);
});

test("delete answers what the backend says, although a copy was in memory", async () => {
  const { cache, store } = cachedSetup();
  await cache.set("a", { text: "token" });
  await store.delete("a");
  expect(await cache.delete("a")).toBe(false);
});
