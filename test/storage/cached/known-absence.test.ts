import { expect, test } from "vitest";
import { sha256Name } from "../../../src/storage/cached/invalidation.ts";
import { cachedSetup } from "../../support/cached-setup.ts";
import { SwitchedInvalidationChannel } from "../../support/switched-invalidation-channel.ts";

const absent = { max: 3, maxStaleness: 5_000 };
const client = { text: "client" };

test("a key known to be absent is not asked for again until maxStaleness has passed", async () => {
  const { backend, cache, clock } = cachedSetup({ absent });
  await cache.get("a");
  clock.advance(4_999);
  expect(await cache.get("a")).toBeUndefined();
  expect(backend.calls.get).toBe(1);
  clock.advance(1);
  await cache.get("a");
  expect(backend.calls.get).toBe(2);
});

test("a set through the cache ends the absence", async () => {
  const { cache } = cachedSetup({ absent });
  await cache.get("a");
  await cache.set("a", client);
  expect(await cache.get("a")).toEqual(client);
});

test("a set whose outcome is unknown ends the absence", async () => {
  const { backend, cache } = cachedSetup({ absent });
  await cache.get("a");
  const gate = backend.hold("set");
  const set = cache.set("a", client);
  await gate.apply();
  gate.fail(new Error("The test cut the line."));
  await expect(set).rejects.toThrow();
  expect(await cache.get("a")).toEqual(client);
});

test("an invalidation ends the absence", async () => {
  const channel = new SwitchedInvalidationChannel();
  channel.switch("up");
  const { cache, store } = cachedSetup({ absent, invalidation: channel });
  await cache.get("a");
  await store.set("a", client);
  channel.invalidate([sha256Name("a")]);
  expect(await cache.get("a")).toEqual(client);
});

test("a read that a set overtakes does not bring the absence back", async () => {
  const { backend, cache } = cachedSetup({ absent });
  const gate = backend.hold("get");
  const read = cache.get("a");
  await gate.apply();
  await cache.set("a", client);
  await gate.answer();
  expect(await read).toBeUndefined();
  expect(await cache.get("a")).toEqual(client);
});

test("take and delete ask the backend for a key known to be absent", async () => {
  const { cache, store } = cachedSetup({ absent });
  await cache.get("a");
  await store.set("a", client);
  expect(await cache.take("a")).toEqual(client);
  await cache.get("a");
  await store.set("a", client);
  expect(await cache.delete("a")).toBe(true);
});

test("made-up keys push out each other, and no record", async () => {
  const { backend, cache } = cachedSetup({ absent });
  await cache.set("a", client);
  for (const key of ["1", "2", "3", "4"]) await cache.get(key);
  const calls = backend.calls.get;
  await cache.get("a");
  await cache.get("2");
  expect(backend.calls.get).toBe(calls);
  await cache.get("1");
  expect(backend.calls.get).toBe(calls + 1);
});

test("an absence lasts no longer than maxStaleness of the cache", async () => {
  const { backend, cache, clock } = cachedSetup({ absent: { max: 3, maxStaleness: 600_000 } });
  await cache.get("a");
  clock.advance(60_000);
  await cache.get("a");
  expect(backend.calls.get).toBe(2);
});
