import { expect, test, vi } from "vitest";
import { StorageUnavailableError } from "../../src/errors.ts";
import { sha256Name } from "../../src/storage/cached/invalidation.ts";
import { cachedSetup } from "../support/cached-setup.ts";
import { SwitchedInvalidationChannel } from "../support/switched-invalidation-channel.ts";

const token = { text: "token" };

function connectedSetup(settings: Parameters<typeof cachedSetup>[0] = {}) {
  const channel = new SwitchedInvalidationChannel();
  channel.switch("up");
  return { channel, ...cachedSetup({ ...settings, invalidation: channel }) };
}

test("a record revoked while the channel is down is not served, not once", async () => {
  const { cache, channel, store } = connectedSetup();
  await cache.set("a", token);
  channel.switch("down");
  await store.delete("a");
  expect(await cache.get("a")).toBeUndefined();
});

test("while the channel is down every read asks the backend", async () => {
  const { backend, cache, channel } = connectedSetup();
  channel.switch("down");
  await cache.set("a", token);
  await cache.get("a");
  await cache.get("a");
  expect(backend.calls.get).toBe(2);
});

test("before the channel has come up every read asks the backend", async () => {
  const { backend, cache } = cachedSetup({ invalidation: new SwitchedInvalidationChannel() });
  await cache.set("a", token);
  await cache.get("a");
  await cache.get("a");
  expect(backend.calls.get).toBe(2);
});

test("a channel that comes up without having said that it was down ends every copy", async () => {
  const { cache, channel, store } = connectedSetup();
  await cache.set("a", token);
  await store.delete("a");
  channel.switch("up");
  expect(await cache.get("a")).toBeUndefined();
});

test("a read under way when the channel is lost leaves no copy once it is back", async () => {
  const { backend, cache, channel, store } = connectedSetup();
  await store.set("a", token);
  const gate = backend.hold("get");
  const read = cache.get("a");
  await gate.apply();
  channel.switch("down");
  await store.delete("a");
  channel.switch("up");
  await gate.answer();
  await read;
  expect(await cache.get("a")).toBeUndefined();
});

test("a set under way when the channel is lost leaves no copy once it is back", async () => {
  const { backend, cache, channel, store } = connectedSetup();
  const gate = backend.hold("set");
  const set = cache.set("a", token);
  await gate.apply();
  channel.switch("down");
  await store.delete("a");
  channel.switch("up");
  await gate.answer();
  await set;
  expect(await cache.get("a")).toBeUndefined();
});

test("once the channel is back copies are kept again", async () => {
  const { backend, cache, channel } = connectedSetup();
  channel.switch("down");
  channel.switch("up");
  await cache.set("a", token);
  await cache.get("a");
  expect(backend.calls.get).toBe(0);
});

test("a message that everything changed ends every copy and every read under way", async () => {
  const { backend, cache, channel, store } = connectedSetup();
  await cache.set("a", token);
  await store.set("b", token);
  const gate = backend.hold("get");
  const read = cache.get("b");
  await gate.apply();
  await store.delete("a");
  await store.delete("b");
  channel.invalidate("all");
  await gate.answer();
  await read;
  expect(await cache.get("a")).toBeUndefined();
  expect(await cache.get("b")).toBeUndefined();
});

test("a message that cannot be published fails no write, and is reported", async () => {
  const failures: unknown[] = [];
  const { cache, channel, store } = connectedSetup({ onPublishFailure: (error) => failures.push(error) });
  channel.publishFailure = new StorageUnavailableError("The test cut the line.");
  await cache.set("a", token);
  expect(await store.get("a")).toEqual(token);
  expect(failures).toEqual([channel.publishFailure]);
});

test("whoever is told of a failed message cannot change the outcome of the write", async () => {
  const defect = new Error("the listener's own");
  const { cache, channel, store } = connectedSetup({
    onPublishFailure: () => {
      throw defect;
    },
  });
  channel.publishFailure = new StorageUnavailableError("The test cut the line.");
  const uncaught: (() => void)[] = [];
  vi.stubGlobal("queueMicrotask", (task: () => void) => uncaught.push(task));
  await cache.set("a", token).finally(() => vi.unstubAllGlobals());
  expect(await store.get("a")).toEqual(token);
  expect(uncaught).toHaveLength(1);
  expect(uncaught[0]).toThrow(defect);
});

test("a message about a key that the cache knows nothing of does nothing", async () => {
  const { backend, cache, channel } = connectedSetup();
  await cache.set("a", token);
  channel.invalidate([sha256Name("b"), "no hash at all"]);
  await cache.get("a");
  expect(backend.calls.get).toBe(0);
});
