import { expect, test } from "vitest";
import { StorageClosedError } from "../../../src/errors.ts";
import { CachedRepository } from "../../../src/storage/cached/cached-repository.ts";
import type { InvalidationChannel } from "../../../src/storage/cached/invalidation.ts";
import { isEnumerable } from "../../../src/storage/enumerable.ts";
import { InMemoryRepository } from "../../../src/storage/in-memory.ts";
import { hasIndexes } from "../../../src/storage/indexed.ts";
import { cachedSetup } from "../../support/cached-setup.ts";
import { SwitchedInvalidationChannel } from "../../support/switched-invalidation-channel.ts";

class ClosableRepository extends InMemoryRepository<string, string> implements AsyncDisposable {
  closings = 0;

  async [Symbol.asyncDispose](): Promise<void> {
    this.closings += 1;
  }
}

const bound = { max: 10, maxStaleness: 1_000 };

test("a closed cache refuses every call, also for what it had in memory", async () => {
  const { cache, store } = cachedSetup();
  await cache.set("a", { text: "token" });
  await cache[Symbol.asyncDispose]();
  for (const call of [
    () => cache.get("a"),
    () => cache.getFresh("a"),
    () => cache.set("b", { text: "token" }),
    () => cache.delete("a"),
    () => cache.take("a"),
    () => cache.add("b", { text: "token" }),
    // Nor does it look at the value first.
    () => Reflect.apply(cache.set, cache, ["b", () => "no record"]),
    () => Reflect.apply(cache.add, cache, ["b", () => "no record"]),
  ]) {
    await expect(call()).rejects.toMatchObject({ code: "ERR_STORAGE_CLOSED", effect: "none" });
  }
  expect(await store.get("a")).toEqual({ text: "token" });
  expect(await store.get("b")).toBeUndefined();
});

test("a closed cache lists nothing and finds nothing", async () => {
  const store = new InMemoryRepository<string, string>({ indexes: { itself: (value) => value } });
  await store.set("a", "token");
  const cache = new CachedRepository(store, bound);
  if (!isEnumerable(cache) || !hasIndexes(cache)) throw new Error("The cache has the listings of its backend.");
  expect(await cache.entries()[Symbol.asyncIterator]().next()).toMatchObject({ value: ["a", "token"] });
  await cache[Symbol.asyncDispose]();
  for (const listing of [cache.entries(), cache.entriesBy("itself", "token")]) {
    await expect(listing[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "ERR_STORAGE_CLOSED",
      effect: "none",
    });
  }
});

test("calls under way when the cache is closed get their answers and leave no copy", async () => {
  const { backend, cache, store } = cachedSetup();
  await store.set("a", { text: "token" });
  const readGate = backend.hold("get");
  const setGate = backend.hold("set");
  const read = cache.get("a");
  const set = cache.set("b", { text: "other" });
  await cache[Symbol.asyncDispose]();
  await readGate.answer();
  await setGate.answer();
  expect(await read).toEqual({ text: "token" });
  await set;
  await expect(cache.get("b")).rejects.toThrow(StorageClosedError);
});

test("closing ends the part in the invalidation channel, and later messages do nothing", async () => {
  const channel = new SwitchedInvalidationChannel();
  const { cache } = cachedSetup({ invalidation: channel });
  expect(channel.subscribers).toBe(1);
  await cache[Symbol.asyncDispose]();
  expect(channel.subscribers).toBe(0);
});

test("a cache that is closed twice ends its part in the channel once", async () => {
  let endings = 0;
  const channel: InvalidationChannel = {
    names: "key",
    subscribe: () => ({
      publish: async () => {},
      [Symbol.asyncDispose]: async () => {
        endings += 1;
      },
    }),
  };
  const { cache } = cachedSetup({ invalidation: channel });
  await cache[Symbol.asyncDispose]();
  await cache[Symbol.asyncDispose]();
  expect(endings).toBe(1);
});

test("the backend stays open", async () => {
  const backend = new ClosableRepository();
  await new CachedRepository(backend, bound)[Symbol.asyncDispose]();
  expect(backend.closings).toBe(0);
});
