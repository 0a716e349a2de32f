import { expect, test } from "vitest";
import { CachedRepository } from "../../../src/storage/cached/cached-repository.ts";
import { getFresh } from "../../../src/storage/fresh-read.ts";
import { InMemoryRepository } from "../../../src/storage/in-memory.ts";

test("a fresh read asks the store past a cache, and past a cache behind the cache", async () => {
  const store = new InMemoryRepository<string, string>();
  const inner = new CachedRepository(store, { max: 10, maxStaleness: 60_000 });
  const outer = new CachedRepository(inner, { max: 10, maxStaleness: 60_000 });
  await outer.set("grant", "alive");
  await store.set("grant", "revoked");
  expect(await outer.get("grant")).toBe("alive");
  expect(await getFresh(outer, "grant")).toBe("revoked");
  for (const cache of [inner, outer]) expect(await cache.get("grant")).toBe("revoked");
});
