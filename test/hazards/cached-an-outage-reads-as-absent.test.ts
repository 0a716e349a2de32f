import { expect, test } from "vitest";
import { StorageUnavailableError } from "../../src/errors.ts";
import { cachedSetup, maxStaleness } from "../support/cached-setup.ts";

const token = { text: "token" };
const outage = new StorageUnavailableError("The test cut the line.");

test("a read that the backend cannot answer is thrown, never answered with undefined", async () => {
  const { backend, cache } = cachedSetup();
  const gate = backend.hold("get");
  const read = cache.get("a");
  gate.fail(outage);
  await expect(read).rejects.toBe(outage);
});

test("a copy that is too old does not stand in for a backend that fails", async () => {
  const { backend, cache, clock } = cachedSetup();
  await cache.set("a", token);
  clock.advance(maxStaleness);
  const gate = backend.hold("get");
  const read = cache.get("a");
  gate.fail(outage);
  await expect(read).rejects.toBe(outage);
});

test("an outage is not remembered as absence", async () => {
  const { backend, cache, store } = cachedSetup();
  await store.set("a", token);
  const gate = backend.hold("get");
  const read = cache.get("a");
  gate.fail(outage);
  await expect(read).rejects.toBe(outage);
  expect(await cache.get("a")).toEqual(token);
});
