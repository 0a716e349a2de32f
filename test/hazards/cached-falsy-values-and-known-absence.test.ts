import { expect, test } from "vitest";
import { InvalidRecordError } from "../../src/errors.ts";
import { cachedSetup } from "../support/cached-setup.ts";

test.for([0, "", false, null, Number.NaN, 0n])("a stored %s is answered from memory as it is", async (value) => {
  const { backend, cache, store } = cachedSetup<unknown>();
  await store.set("a", value);
  expect(await cache.get("a")).toBe(value);
  expect(await cache.get("a")).toBe(value);
  expect(backend.calls.get).toBe(1);
  expect(await cache.take("a")).toBe(value);
});

test("undefined is refused, and what the key had stays", async () => {
  const { cache } = cachedSetup<unknown>();
  await cache.set("a", 0);
  await expect(cache.set("a", undefined)).rejects.toThrow(InvalidRecordError);
  expect(await cache.get("a")).toBe(0);
});

test("a key without a record is asked for every time", async () => {
  const { backend, cache, store } = cachedSetup<unknown>();
  expect(await cache.get("a")).toBeUndefined();
  await store.set("a", 0);
  expect(await cache.get("a")).toBe(0);
  expect(backend.calls.get).toBe(2);
});
