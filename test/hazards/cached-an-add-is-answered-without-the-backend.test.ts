import { expect, test } from "vitest";
import { StorageTimeoutError } from "../../src/errors.ts";
import { sha256Name } from "../../src/storage/cached/invalidation.ts";
import { cachedSetup, maxStaleness, type Note } from "../support/cached-setup.ts";
import { SwitchedInvalidationChannel } from "../support/switched-invalidation-channel.ts";

const old = { text: "old" };
const fresh = { text: "fresh" };
const timeout = new StorageTimeoutError("The test let the deadline pass.");

test("add asks the backend even where a copy is in memory", async () => {
  const { backend, cache, store } = cachedSetup();
  await cache.set("a", old);
  await store.delete("a");
  expect(await cache.add("a", fresh)).toBe(true);
  expect(await store.get("a")).toEqual(fresh);
  expect(backend.calls.add).toBe(1);
});

test("of three concurrent adds one is true, in whatever order the backend takes them", async () => {
  const { backend, cache } = cachedSetup();
  const gates = [backend.hold("add"), backend.hold("add"), backend.hold("add")];
  const adds = gates.map((_, index) => cache.add("a", { text: `${index}` }));
  for (const gate of gates.reverse()) await gate.answer();
  expect(await Promise.all(adds)).toEqual([false, false, true]);
  expect(await cache.get("a")).toEqual({ text: "2" });
});

test("what was added is in memory, as fresh as the add's beginning", async () => {
  const { backend, cache, clock } = cachedSetup();
  const gate = backend.hold("add");
  const added = cache.add("a", fresh);
  clock.advance(1);
  await gate.answer();
  await added;
  clock.advance(maxStaleness - 2);
  expect(await cache.get("a")).toEqual(fresh);
  expect(backend.calls.get).toBe(0);
  clock.advance(1);
  await cache.get("a");
  expect(backend.calls.get).toBe(1);
});

test("a record that an add finds expired gives way, in memory too", async () => {
  const { cache, clock } = cachedSetup<Note>();
  await cache.set("a", { ...old, expiresAt: clock.seconds(1) });
  clock.advance(1_000);
  expect(await cache.add("a", fresh)).toBe(true);
  expect(await cache.get("a")).toEqual(fresh);
});

test("an add that is refused leaves nothing of its own in memory", async () => {
  const { cache } = cachedSetup();
  await cache.set("a", old);
  expect(await cache.add("a", fresh)).toBe(false);
  expect(await cache.get("a")).toEqual(old);
});

test("after an add that was refused no copy older than the refusal is served", async () => {
  const { cache, store } = cachedSetup();
  await cache.set("a", old);
  await store.set("a", { text: "what refuses the add" });
  expect(await cache.add("a", fresh)).toBe(false);
  expect(await cache.get("a")).toEqual({ text: "what refuses the add" });
});

test("an add is not in memory before the backend has it", async () => {
  const { backend, cache } = cachedSetup();
  const gate = backend.hold("add");
  const added = cache.add("a", fresh);
  expect(await cache.get("a")).toBeUndefined();
  await gate.answer();
  expect(await added).toBe(true);
  expect(await cache.get("a")).toEqual(fresh);
});

test("a read that an add overtakes leaves no stale copy", async () => {
  const { backend, cache, store } = cachedSetup();
  await store.set("a", old);
  const gate = backend.hold("get");
  const read = cache.get("a");
  await gate.apply();
  await store.delete("a");
  expect(await cache.add("a", fresh)).toBe(true);
  await gate.answer();
  expect(await read).toEqual(old);
  expect(await cache.get("a")).toEqual(fresh);
});

test("a read that begins during an add and ends after it leaves no stale copy", async () => {
  const { backend, cache, store } = cachedSetup();
  await store.set("a", old);
  const addGate = backend.hold("add");
  const added = cache.add("a", fresh);
  const readGate = backend.hold("get");
  const read = cache.get("a");
  await readGate.apply();
  await store.delete("a");
  await addGate.answer();
  expect(await added).toBe(true);
  await readGate.answer();
  expect(await read).toEqual(old);
  expect(await cache.get("a")).toEqual(fresh);
});

test("an add that ends while a delete is under way leaves no copy", async () => {
  const { backend, cache } = cachedSetup();
  const addGate = backend.hold("add");
  const deleteGate = backend.hold("delete");
  const added = cache.add("a", fresh);
  const deletion = cache.delete("a");
  await addGate.apply();
  await deleteGate.apply();
  await addGate.answer();
  expect(await added).toBe(true);
  expect(await cache.get("a")).toBeUndefined();
  await deleteGate.answer();
  expect(await deletion).toBe(true);
});

test("an add that an invalidation overtakes leaves no copy", async () => {
  const channel = new SwitchedInvalidationChannel();
  channel.switch("up");
  const { backend, cache, store } = cachedSetup({ invalidation: channel });
  const gate = backend.hold("add");
  const added = cache.add("a", fresh);
  await gate.apply();
  await store.delete("a");
  channel.invalidate([sha256Name("a")]);
  await gate.answer();
  expect(await added).toBe(true);
  expect(await cache.get("a")).toBeUndefined();
});

test("an add whose outcome is unknown is thrown and leaves no copy, and other instances are told", async () => {
  const channel = new SwitchedInvalidationChannel("key");
  channel.switch("up");
  const { backend, cache } = cachedSetup({ invalidation: channel });
  await cache.set("a", old);
  const gate = backend.hold("add");
  const added = cache.add("a", fresh);
  gate.fail(timeout);
  await expect(added).rejects.toBe(timeout);
  expect(channel.published).toEqual(["a", "a"]);
  expect(await cache.get("a")).toEqual(old);
  expect(backend.calls.get).toBe(1);
  expect(backend.calls.add).toBe(1);
});
