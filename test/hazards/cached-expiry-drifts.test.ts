import { expect, test } from "vitest";
import { CachedRepository } from "../../src/storage/cached/cached-repository.ts";
import { InMemoryRepository } from "../../src/storage/in-memory.ts";
import { cachedSetup, maxStaleness } from "../support/cached-setup.ts";
import { ManualClock } from "../support/manual-clock.ts";

test("a copy ends with its record, to the millisecond, however young the copy is", async () => {
  const { backend, cache, clock } = cachedSetup();
  await cache.set("a", { text: "short", expiresAt: clock.seconds(10) });
  clock.advance(9_999);
  expect(await cache.get("a")).toMatchObject({ text: "short" });
  expect(backend.calls.get).toBe(0);
  clock.advance(1);
  expect(await cache.get("a")).toBeUndefined();
});

test("a record read late in its life keeps its expiry in memory", async () => {
  const { cache, clock, store } = cachedSetup();
  await store.set("a", { text: "old", expiresAt: clock.seconds(100) });
  clock.advance(99_000);
  expect(await cache.get("a")).toMatchObject({ text: "old" });
  clock.advance(1_000);
  expect(await cache.get("a")).toBeUndefined();
});

test("a record that the backend still hands out after its expiry is absent", async () => {
  const clock = new ManualClock();
  const lenient = new InMemoryRepository<string, { expiresAt: number }>({ clock: () => 0 });
  const cache = new CachedRepository(lenient, { max: 10, maxStaleness, clock: clock.read });
  await lenient.set("a", { expiresAt: clock.seconds(-1) });
  expect(await cache.get("a")).toBeUndefined();
  expect(await cache.take("a")).toBeUndefined();
});

test("a cache over a cache does not add to the record's life", async () => {
  const { cache: inner, clock } = cachedSetup();
  const outer = new CachedRepository(inner, { max: 10, maxStaleness: 10 * maxStaleness, clock: clock.read });
  await inner.set("a", { text: "short", expiresAt: clock.seconds(30) });
  clock.advance(29_000);
  expect(await outer.get("a")).toMatchObject({ text: "short" });
  clock.advance(1_000);
  expect(await outer.get("a")).toBeUndefined();
});

test("an expiry that the option reads counts as the record's own", async () => {
  const { backend, cache, clock } = cachedSetup<{ secretExpiresAt: number }>({
    expiresAt: (value) => value.secretExpiresAt,
  });
  await cache.set("a", { secretExpiresAt: clock.seconds(5) });
  clock.advance(5_000);
  await cache.get("a");
  expect(backend.calls.get).toBe(1);
});
