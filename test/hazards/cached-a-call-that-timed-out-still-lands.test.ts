import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { StorageTimeoutError } from "../../src/errors.ts";
import { cachedSetup, maxStaleness } from "../support/cached-setup.ts";

const old = { text: "old" };
const timeout = new StorageTimeoutError("The test let the deadline pass.");

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("after a delete that timed out the copy is gone, so its landing later is seen within maxStaleness", async () => {
  const { backend, cache, clock } = cachedSetup();
  await cache.set("a", old);
  const gate = backend.hold("delete");
  const deletion = cache.delete("a");
  gate.fail(timeout);
  await expect(deletion).rejects.toBe(timeout);
  expect(await cache.get("a")).toEqual(old);
  expect(backend.calls.get).toBe(1);
  await gate.apply();
  clock.advance(maxStaleness);
  expect(await cache.get("a")).toBeUndefined();
});

test("a take that timed out is not tried again", async () => {
  const { backend, cache } = cachedSetup();
  await cache.set("a", old);
  const gate = backend.hold("take");
  const taken = cache.take("a");
  gate.fail(timeout);
  await expect(taken).rejects.toBe(timeout);
  expect(backend.calls.take).toBe(1);
});

test("a read that hangs ends at its deadline and is not joined any more", async () => {
  const { backend, cache, store } = cachedSetup();
  await store.set("a", old);
  backend.hold("get");
  const hung = cache.get("a");
  const joined = cache.get("a");
  const outcomes = Promise.allSettled([hung, joined]);
  vi.advanceTimersByTime(10_000);
  for (const outcome of await outcomes) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { code: "ERR_STORAGE_TIMEOUT" } });
  }
  expect(await cache.get("a")).toEqual(old);
});

test("what a read that hung brings after its deadline is not kept", async () => {
  const { backend, cache, store } = cachedSetup();
  await store.set("a", old);
  const gate = backend.hold("get");
  const hung = cache.get("a");
  const outcome = expect(hung).rejects.toThrow(StorageTimeoutError);
  await gate.apply();
  vi.advanceTimersByTime(10_000);
  await outcome;
  await store.delete("a");
  await gate.answer();
  expect(await cache.get("a")).toBeUndefined();
});

test("a read that is answered leaves no timer behind", async () => {
  const { cache, store } = cachedSetup();
  await store.set("a", old);
  await cache.get("a");
  await cache.get("missing");
  expect(vi.getTimerCount()).toBe(0);
});
