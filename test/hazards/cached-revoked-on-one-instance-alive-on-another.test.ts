import { expect, test } from "vitest";
import { CachedRepository } from "../../src/storage/cached/cached-repository.ts";
import { InMemoryInvalidationChannel } from "../../src/storage/cached/in-memory-invalidation-channel.ts";
import { sha256Name } from "../../src/storage/cached/invalidation.ts";
import { cachedSetup, maxStaleness } from "../support/cached-setup.ts";
import { SwitchedInvalidationChannel } from "../support/switched-invalidation-channel.ts";

const token = { text: "token" };

test("without a channel a record that is revoked elsewhere is served for maxStaleness at most", async () => {
  const { cache, clock, store } = cachedSetup();
  await store.set("a", token);
  await cache.get("a");
  await store.delete("a");
  clock.advance(maxStaleness - 1);
  expect(await cache.get("a")).toEqual(token);
  clock.advance(1);
  expect(await cache.get("a")).toBeUndefined();
});

test("the time that the backend took to answer counts towards maxStaleness", async () => {
  const { backend, cache, clock, store } = cachedSetup();
  await store.set("a", token);
  const gate = backend.hold("get");
  const read = cache.get("a");
  await gate.apply();
  await store.delete("a");
  clock.advance(9_000);
  await gate.answer();
  await read;
  clock.advance(maxStaleness - 9_000);
  expect(await cache.get("a")).toBeUndefined();
});

test("the time that the backend took to write counts towards maxStaleness", async () => {
  const { backend, cache, clock, store } = cachedSetup();
  const gate = backend.hold("set");
  const set = cache.set("a", token);
  await gate.apply();
  await store.delete("a");
  clock.advance(9_000);
  await gate.answer();
  await set;
  clock.advance(maxStaleness - 9_000);
  expect(await cache.get("a")).toBeUndefined();
});

test("a reader does not join a read that has run for maxStaleness", async () => {
  const { backend, cache, clock, store } = cachedSetup();
  await store.set("a", token);
  const gate = backend.hold("get");
  const early = cache.get("a");
  await gate.apply();
  await store.delete("a");
  clock.advance(maxStaleness);
  const late = cache.get("a");
  await gate.answer();
  expect(await early).toEqual(token);
  expect(await late).toBeUndefined();
  expect(await cache.get("a")).toBeUndefined();
});

test("a clock that is set back does not lengthen the life of a copy", async () => {
  const { cache, clock, store } = cachedSetup();
  await store.set("a", token);
  await cache.get("a");
  await store.delete("a");
  clock.advance(-3_600_000);
  expect(await cache.get("a")).toBeUndefined();
});

test("with a channel a revocation on one instance ends the copy on another", async () => {
  const channel = new InMemoryInvalidationChannel();
  const { backend, cache: one, clock } = cachedSetup({ invalidation: channel });
  const other = new CachedRepository(backend, { max: 10, maxStaleness, clock: clock.read, invalidation: channel });
  await one.set("a", token);
  expect(await other.get("a")).toEqual(token);
  expect(await one.delete("a")).toBe(true);
  expect(await other.get("a")).toBeUndefined();
});

test("with a channel a set on one instance ends the copy on another and leaves the writer's own", async () => {
  const channel = new InMemoryInvalidationChannel();
  const { backend, cache: one, clock } = cachedSetup({ invalidation: channel });
  const other = new CachedRepository(backend, { max: 10, maxStaleness, clock: clock.read, invalidation: channel });
  await one.set("a", token);
  await other.get("a");
  await one.set("a", { text: "narrowed" });
  const reads = backend.calls.get;
  expect(await one.get("a")).toEqual({ text: "narrowed" });
  expect(backend.calls.get).toBe(reads);
  expect(await other.get("a")).toEqual({ text: "narrowed" });
});

test("what is published is the hash of the key, never the key", async () => {
  const channel = new SwitchedInvalidationChannel();
  const { cache } = cachedSetup({ invalidation: channel });
  await cache.set("secret key", token);
  await cache.delete("secret key");
  await cache.take("secret key");
  const hash = "ZoWbet5OaMtlBBuIp61SFN9xzc-iff8u_MgKgem6X6A";
  expect(sha256Name("secret key")).toBe(hash);
  expect(channel.published).toEqual([hash, hash, hash]);
});

test("a channel that names records by their keys ends the copies of those keys and no others", async () => {
  const channel = new SwitchedInvalidationChannel("key");
  channel.switch("up");
  const { backend, cache } = cachedSetup({ invalidation: channel });
  await cache.set("a", token);
  await cache.set("b", token);
  channel.invalidate(["a"]);
  await cache.get("b");
  expect(backend.calls.get).toBe(0);
  await cache.get("a");
  expect(backend.calls.get).toBe(1);
});
