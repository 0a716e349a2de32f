import { expect, test } from "vitest";
import { StorageUnavailableError } from "../../src/errors.ts";
import { cachedSetup } from "../support/cached-setup.ts";
import { SwitchedInvalidationChannel } from "../support/switched-invalidation-channel.ts";

const old = { text: "old" };
const outage = new StorageUnavailableError("The test cut the line.");

test("a delete that the backend refuses is thrown, and the copy is gone", async () => {
  const { backend, cache, store } = cachedSetup();
  await cache.set("a", old);
  const gate = backend.hold("delete");
  const deletion = cache.delete("a");
  await gate.apply();
  gate.fail(outage);
  await expect(deletion).rejects.toBe(outage);
  expect(await store.get("a")).toBeUndefined();
  expect(await cache.get("a")).toBeUndefined();
});

test("a set that the backend refuses is thrown, and nothing of it is in memory", async () => {
  const { backend, cache } = cachedSetup();
  await cache.set("a", old);
  const gate = backend.hold("set");
  const set = cache.set("a", { text: "never stored" });
  gate.fail(outage);
  await expect(set).rejects.toBe(outage);
  expect(await cache.get("a")).toEqual(old);
  expect(backend.calls.get).toBe(1);
});

test("a set is not in memory before the backend has it", async () => {
  const { backend, cache } = cachedSetup();
  const gate = backend.hold("set");
  const set = cache.set("a", old);
  expect(await cache.get("a")).toBeUndefined();
  await gate.answer();
  await set;
  expect(await cache.get("a")).toEqual(old);
});

test("a take that the backend refuses is thrown, and the copy is gone", async () => {
  const { backend, cache } = cachedSetup();
  await cache.set("a", old);
  const gate = backend.hold("take");
  const taken = cache.take("a");
  await gate.apply();
  gate.fail(outage);
  await expect(taken).rejects.toBe(outage);
  expect(await cache.get("a")).toBeUndefined();
});

test("other instances are told to drop their copies after a write that failed, since it may have been done", async () => {
  const channel = new SwitchedInvalidationChannel("key");
  const { backend, cache } = cachedSetup({ invalidation: channel });
  const gate = backend.hold("delete");
  const deletion = cache.delete("a");
  gate.fail(outage);
  await expect(deletion).rejects.toBe(outage);
  expect(channel.published).toEqual(["a"]);
});
