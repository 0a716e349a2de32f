import { expect, test, vi } from "vitest";
import { StorageUnavailableError } from "../../../src/errors.ts";
import { CachedRepository } from "../../../src/storage/cached/cached-repository.ts";
import { InMemoryRepository } from "../../../src/storage/in-memory.ts";
import { cachedSetup, maxStaleness } from "../../support/cached-setup.ts";
import { gated } from "../../support/gated-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { SwitchedInvalidationChannel } from "../../support/switched-invalidation-channel.ts";

test("the empty key is refused before the backend is asked", async () => {
  const { backend, cache } = cachedSetup();
  for (const call of [() => cache.get(""), () => cache.getFresh(""), () => cache.delete(""), () => cache.take("")]) {
    await expect(call()).rejects.toMatchObject({ code: "ERR_INVALID_KEY" });
  }
  expect(backend.calls).toEqual({ get: 0, set: 0, delete: 0, take: 0, add: 0 });
});

test("a record is absent from the moment of its expiry on, though the backend still has it", async () => {
  const clock = new ManualClock();
  const backend = new InMemoryRepository<string, { until: number }>({ expiresAt: () => undefined });
  const cache = new CachedRepository(backend, {
    max: 10,
    maxStaleness,
    clock: clock.read,
    expiresAt: ({ until }) => until,
  });
  for (const key of ["got", "taken"]) await backend.set(key, { until: clock.seconds() });
  expect(await cache.get("got")).toBeUndefined();
  expect(await cache.take("taken")).toBeUndefined();
  expect(await cache.take("missing")).toBeUndefined();
});

test("a cache over a cache is answered from that one's memory", async () => {
  const store = new InMemoryRepository<string, string>();
  const counted = gated(store);
  const inner = new CachedRepository(counted, { max: 10, maxStaleness });
  const outer = new CachedRepository(inner, { max: 10, maxStaleness });
  await inner.set("a", "value");
  expect(await outer.get("a")).toBe("value");
  expect(counted.calls.get).toBe(0);
});

test("a read that found nothing leaves alone what was written since", async () => {
  const { backend, cache } = cachedSetup();
  const gate = backend.hold("get");
  const read = cache.get("a");
  await gate.apply();
  await cache.set("a", { text: "new" });
  await gate.answer();
  expect(await read).toBeUndefined();
  expect(await cache.get("a")).toEqual({ text: "new" });
  expect(backend.calls.get).toBe(1);
});

test("without a channel nobody is told that a change could not be published", async () => {
  const onPublishFailure = vi.fn();
  const { cache } = cachedSetup({ onPublishFailure });
  await cache.set("a", { text: "new" });
  expect(onPublishFailure).not.toHaveBeenCalled();
});

test("a change that could not be published is no failure where nobody asks to be told", async () => {
  const channel = new SwitchedInvalidationChannel();
  channel.publishFailure = new StorageUnavailableError("The test cut the line.");
  const { cache, store } = cachedSetup({ invalidation: channel });
  const uncaught: (() => void)[] = [];
  vi.stubGlobal("queueMicrotask", (task: () => void) => uncaught.push(task));
  await cache.set("a", { text: "new" }).finally(() => vi.unstubAllGlobals());
  expect(await store.get("a")).toEqual({ text: "new" });
  expect(uncaught).toEqual([]);
});

test("a copy has an age while it is fresh, and what there is no copy of has none", async () => {
  const { cache, clock } = cachedSetup();
  await cache.set("a", { text: "token" });
  clock.advance(7);
  expect([cache.copyAge("a"), cache.copyAge("b")]).toEqual([7, undefined]);
  clock.advance(maxStaleness);
  expect(cache.copyAge("a")).toBeUndefined();
});

test("what a cache publishes is the key where the channel names records by it, and a hash of it elsewhere", async () => {
  for (const names of ["key", "sha256"] as const) {
    const channel = new SwitchedInvalidationChannel(names);
    const { cache } = cachedSetup({ invalidation: channel });
    await cache.set("a", { text: "token" });
    expect(channel.published).toEqual([names === "key" ? "a" : expect.stringMatching(/^[\w-]{43}$/)]);
  }
});
