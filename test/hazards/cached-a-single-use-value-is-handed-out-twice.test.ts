import { expect, test } from "vitest";
import { cachedSetup } from "../support/cached-setup.ts";

const code = { text: "code" };

test("of three concurrent takes of a record with a copy in memory one gets it", async () => {
  const { backend, cache } = cachedSetup();
  await cache.set("a", code);
  const gates = [backend.hold("take"), backend.hold("take"), backend.hold("take")];
  const takes = gates.map(() => cache.take("a"));
  for (const gate of gates.reverse()) await gate.answer();
  expect((await Promise.all(takes)).filter((value) => value !== undefined)).toEqual([code]);
});

test("take asks the backend even where a copy is in memory", async () => {
  const { backend, cache, store } = cachedSetup();
  await cache.set("a", code);
  await store.take("a");
  expect(await cache.take("a")).toBeUndefined();
  expect(backend.calls.take).toBe(1);
});

test("a read while a take is under way does not answer from memory", async () => {
  const { backend, cache } = cachedSetup();
  await cache.set("a", code);
  const gate = backend.hold("take");
  const taken = cache.take("a");
  await gate.apply();
  expect(await cache.get("a")).toBeUndefined();
  await gate.answer();
  expect(await taken).toEqual(code);
});

test("after a take the record is not in memory, although a read under way still found it", async () => {
  const { backend, cache } = cachedSetup();
  await cache.set("a", code);
  const take = backend.hold("take");
  const get = backend.hold("get");
  const taken = cache.take("a");
  const read = cache.get("a");
  await get.apply();
  await take.answer();
  await taken;
  await get.answer();
  expect(await read).toEqual(code);
  expect(await cache.get("a")).toBeUndefined();
});
