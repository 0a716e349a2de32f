import { expect, test } from "vitest";
import { sha256Name } from "../../src/storage/cached/invalidation.ts";
import { cachedSetup } from "../support/cached-setup.ts";
import { SwitchedInvalidationChannel } from "../support/switched-invalidation-channel.ts";

const old = { text: "old" };
const fresh = { text: "fresh" };

test("a read that a delete overtakes does not bring the deleted record back", async () => {
  const { backend, cache, store } = cachedSetup();
  await store.set("a", old);
  const gate = backend.hold("get");
  const read = cache.get("a");
  await gate.apply();
  expect(await cache.delete("a")).toBe(true);
  await gate.answer();
  expect(await read).toEqual(old);
  expect(await cache.get("a")).toBeUndefined();
});

test("a read that a take overtakes does not bring the taken record back", async () => {
  const { backend, cache, store } = cachedSetup();
  await store.set("a", old);
  const gate = backend.hold("get");
  const read = cache.get("a");
  await gate.apply();
  expect(await cache.take("a")).toEqual(old);
  await gate.answer();
  await read;
  expect(await cache.get("a")).toBeUndefined();
});

test("a read that a set overtakes does not replace the newer record", async () => {
  const { backend, cache, store } = cachedSetup();
  await store.set("a", old);
  const gate = backend.hold("get");
  const read = cache.get("a");
  await gate.apply();
  await cache.set("a", fresh);
  await gate.answer();
  await read;
  expect(await cache.get("a")).toEqual(fresh);
});

test("a read that begins during a delete and ends after it leaves no copy", async () => {
  const { backend, cache, store } = cachedSetup();
  await store.set("a", old);
  const deleteGate = backend.hold("delete");
  const deletion = cache.delete("a");
  const readGate = backend.hold("get");
  const read = cache.get("a");
  await readGate.apply();
  await deleteGate.answer();
  await deletion;
  await readGate.answer();
  await read;
  expect(await cache.get("a")).toBeUndefined();
});

test("a read that begins and ends during a delete leaves no copy", async () => {
  const { backend, cache, store } = cachedSetup();
  await store.set("a", old);
  const readGate = backend.hold("get");
  const deleteGate = backend.hold("delete");
  const deletion = cache.delete("a");
  const read = cache.get("a");
  await readGate.apply();
  await deleteGate.apply();
  await readGate.answer();
  expect(await read).toEqual(old);
  expect(await cache.get("a")).toBeUndefined();
  await deleteGate.answer();
  await deletion;
});

test("a record is gone from memory as soon as a delete has begun", async () => {
  const { backend, cache } = cachedSetup();
  await cache.set("a", old);
  const gate = backend.hold("delete");
  const deletion = cache.delete("a");
  await gate.apply();
  expect(await cache.get("a")).toBeUndefined();
  await gate.answer();
  await deletion;
});

test("a read that begins after a delete does not join one that began before it", async () => {
  const { backend, cache, store } = cachedSetup();
  await store.set("a", old);
  const gate = backend.hold("get");
  const early = cache.get("a");
  await gate.apply();
  await cache.delete("a");
  const late = cache.get("a");
  await gate.answer();
  expect(await early).toEqual(old);
  expect(await late).toBeUndefined();
});

test("a read that an invalidation overtakes leaves no copy", async () => {
  const channel = new SwitchedInvalidationChannel();
  channel.switch("up");
  const { backend, cache, store } = cachedSetup({ invalidation: channel });
  await store.set("a", old);
  const gate = backend.hold("get");
  const read = cache.get("a");
  await gate.apply();
  await store.delete("a");
  channel.invalidate([sha256Name("a")]);
  await gate.answer();
  await read;
  expect(await cache.get("a")).toBeUndefined();
});

test("of two sets under way at once neither leaves a copy, since the backend may apply them in either order", async () => {
  const { backend, cache } = cachedSetup();
  const first = backend.hold("set");
  const second = backend.hold("set");
  const sets = [cache.set("a", { text: "first" }), cache.set("a", { text: "second" })];
  await second.apply();
  await first.apply();
  await first.answer();
  await second.answer();
  await Promise.all(sets);
  expect(await cache.get("a")).toEqual({ text: "first" });
});

test("a set that ends while another is under way leaves no copy", async () => {
  const { backend, cache } = cachedSetup();
  const first = backend.hold("set");
  const second = backend.hold("set");
  const firstSet = cache.set("a", { text: "first" });
  const secondSet = cache.set("a", { text: "second" });
  await second.answer();
  await secondSet;
  await first.apply();
  expect(await cache.get("a")).toEqual({ text: "first" });
  await first.answer();
  await firstSet;
});

test("a set that an invalidation overtakes leaves no copy", async () => {
  const channel = new SwitchedInvalidationChannel();
  channel.switch("up");
  const { backend, cache, store } = cachedSetup({ invalidation: channel });
  const gate = backend.hold("set");
  const set = cache.set("a", old);
  await gate.apply();
  await store.set("a", fresh);
  channel.invalidate([sha256Name("a")]);
  await gate.answer();
  await set;
  expect(await cache.get("a")).toEqual(fresh);
});
