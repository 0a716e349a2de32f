import { expect, test } from "vitest";
import { CorruptRecordError, StorageUnavailableError } from "../../src/errors.ts";
import { CachedRepository } from "../../src/storage/cached/cached-repository.ts";
import { LoadsUnderWay } from "../../src/storage/cached/loads-under-way.ts";
import { recordNames } from "../../src/storage/cached/record-names.ts";
import { WritesUnderWay } from "../../src/storage/cached/writes-under-way.ts";
import { cachedSetup } from "../support/cached-setup.ts";

const token = { text: "token" };
const outage = new StorageUnavailableError("The test cut the line.");

test("10,000 concurrent reads of a cold key make one call of the backend", async () => {
  const { backend, cache, store } = cachedSetup();
  await store.set("a", token);
  const gate = backend.hold("get");
  const reads = Array.from({ length: 10_000 }, () => cache.get("a"));
  await gate.answer();
  const values = new Set(await Promise.all(reads));
  expect([...values]).toEqual([token]);
  expect(backend.calls.get).toBe(1);
});

test("a read that fails fails for everyone who waits for it, and the next one asks again", async () => {
  const { backend, cache, store } = cachedSetup();
  await store.set("a", token);
  const gate = backend.hold("get");
  const reads = Promise.allSettled([cache.get("a"), cache.get("a"), cache.get("a")]);
  gate.fail(outage);
  expect((await reads).map((read) => read.status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(backend.calls.get).toBe(1);
  expect(await cache.get("a")).toEqual(token);
});

test("the end of a read that was overtaken does not end the one that took its place", async () => {
  const { backend, cache, store } = cachedSetup();
  await store.set("a", token);
  const first = backend.hold("get");
  const second = backend.hold("get");
  const overtaken = cache.get("a");
  await cache.delete("a");
  const current = cache.get("a");
  await first.answer();
  await overtaken;
  const joined = cache.get("a");
  await second.answer();
  await Promise.all([current, joined]);
  expect(backend.calls.get).toBe(2);
});

test("a backend that throws instead of rejecting leaves nothing under way", async () => {
  let calls = 0;
  const refusing = (): never => {
    calls += 1;
    throw outage;
  };
  const backend = { get: refusing, set: refusing, delete: refusing, take: refusing, add: refusing };
  const cache = new CachedRepository<string, string>(backend, { max: 10, maxStaleness: 1_000 });
  await expect(cache.get("a")).rejects.toBe(outage);
  await expect(cache.get("a")).rejects.toBe(outage);
  await expect(cache.delete("a")).rejects.toBe(outage);
  await expect(cache.add("a", "value")).rejects.toBe(outage);
  expect(calls).toBe(4);
});

test("a corrupt record is thrown, not kept and not absent", async () => {
  const { backend, cache } = cachedSetup();
  const corrupt = new CorruptRecordError("The test wrote nonsense.");
  for (const gate of [backend.hold("get"), backend.hold("get")]) {
    const read = cache.get("a");
    gate.fail(corrupt);
    await expect(read).rejects.toBe(corrupt);
  }
});

test("two caches over one backend do not share their reads", async () => {
  const { backend, cache, clock, store } = cachedSetup();
  await store.set("a", token);
  const other = new CachedRepository(backend, { max: 10, maxStaleness: 1_000, clock: clock.read });
  const gates = [backend.hold("get"), backend.hold("get")];
  const reads = [cache.get("a"), other.get("a")];
  for (const gate of gates) await gate.answer();
  await Promise.all(reads);
  expect(backend.calls.get).toBe(2);
});

test("a write that is over leaves no fence behind", () => {
  const writes = new WritesUnderWay();
  const first = writes.begin("a");
  const second = writes.begin("a");
  writes.disturb("b");
  writes.end("a", first);
  expect(writes.has("a")).toBe(true);
  writes.end("a", second);
  expect(writes.has("a")).toBe(false);
  expect(writes.has("b")).toBe(false);
});

test("a read that is over, overtaken or replaced releases the name of its key", () => {
  const names = recordNames("sha256");
  const loads = new LoadsUnderWay<string>(names);
  const first = loads.begin("a", 0);
  const second = loads.begin("a", 1);
  loads.end(first);
  expect(loads.get("a")).toBe(second);
  expect(names.keyOf(second.name)).toBe("a");
  loads.end(second);
  loads.end(second);
  expect(names.keyOf(second.name)).toBeUndefined();
  const third = loads.begin("b", 2);
  loads.overtakeAll();
  expect(names.keyOf(third.name)).toBeUndefined();
});
