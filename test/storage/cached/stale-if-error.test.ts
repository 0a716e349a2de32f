import { expect, test, vi } from "vitest";
import { CorruptRecordError, StorageUnavailableError } from "../../../src/errors.ts";
import { cachedSetup, maxStaleness, type Note } from "../../support/cached-setup.ts";
import type { Gate } from "../../support/gated-repository.ts";
import { SwitchedInvalidationChannel } from "../../support/switched-invalidation-channel.ts";

const client = { text: "client" };
const outage = new StorageUnavailableError("The test cut the line.");
const maxAge = 3_600_000;
const staleIfError = { maxAge, records: "long-lived" } as const;

async function failing<V>(gate: Gate, read: Promise<V>, error: unknown = outage): Promise<V> {
  gate.fail(error);
  return await read;
}

test("an old copy stands in while the backend fails", async () => {
  const { backend, cache, clock } = cachedSetup({ staleIfError });
  await cache.set("a", client);
  clock.advance(maxAge - 1);
  expect(await failing(backend.hold("get"), cache.get("a"))).toEqual(client);
});

test("the backend is asked before an old copy stands in", async () => {
  const { cache, clock, store } = cachedSetup({ staleIfError });
  await cache.set("a", client);
  await store.set("a", { text: "newer" });
  clock.advance(maxStaleness);
  expect(await cache.get("a")).toEqual({ text: "newer" });
});

test("an old copy stands in for no error that the store does not have, not even for one that throws when it is asked", async () => {
  const ask = () => {
    throw new RangeError("Nobody asks.");
  };
  for (const error of [new RangeError("a mistake"), new Proxy({}, { getPrototypeOf: ask, get: ask })]) {
    const { backend, cache, clock } = cachedSetup({ staleIfError });
    await cache.set("a", client);
    clock.advance(maxStaleness);
    const told = failing(backend.hold("get"), cache.get("a"), error).then(
      () => "a copy",
      (thrown: unknown) => (thrown === error ? "the error" : "another error"),
    );
    expect(await told).toBe("the error");
  }
});

test("a copy older than maxAge does not stand in", async () => {
  const { backend, cache, clock } = cachedSetup({ staleIfError });
  await cache.set("a", client);
  clock.advance(maxAge);
  await expect(failing(backend.hold("get"), cache.get("a"))).rejects.toBe(outage);
});

test("a copy never stands in past the expiry of its record", async () => {
  const { backend, cache, clock } = cachedSetup<Note>({ staleIfError });
  const expiresAt = clock.seconds(120);
  await cache.set("a", { ...client, expiresAt });
  clock.advance(119_999);
  expect(await failing(backend.hold("get"), cache.get("a"))).toEqual({ ...client, expiresAt });
  clock.advance(1);
  await expect(failing(backend.hold("get"), cache.get("a"))).rejects.toBe(outage);
});

test("while the invalidation channel is down, what was read last stands in, not what was read before", async () => {
  const channel = new SwitchedInvalidationChannel();
  const { backend, cache, store } = cachedSetup({ staleIfError, invalidation: channel });
  channel.switch("up");
  await cache.set("a", client);
  channel.switch("down");
  await store.set("a", { text: "newer" });
  expect(await cache.get("a")).toEqual({ text: "newer" });
  expect(await failing(backend.hold("get"), cache.get("a"))).toEqual({ text: "newer" });
});

test("a record that was found to be over leaves no older copy to stand in", async () => {
  const { backend, cache, clock, store } = cachedSetup<Note>({ staleIfError });
  await cache.set("a", client);
  clock.advance(maxStaleness);
  vi.spyOn(store, "get").mockResolvedValueOnce({ ...client, expiresAt: clock.seconds(-1) });
  expect(await cache.get("a")).toBeUndefined();
  await expect(failing(backend.hold("get"), cache.get("a"))).rejects.toBe(outage);
});

test("a record that was deleted here does not stand in, even if the delete failed", async () => {
  const { backend, cache } = cachedSetup({ staleIfError });
  await cache.set("a", client);
  await expect(failing(backend.hold("delete"), cache.delete("a"))).rejects.toBe(outage);
  await expect(failing(backend.hold("get"), cache.get("a"))).rejects.toBe(outage);
});

test("a record that the backend no longer had does not stand in", async () => {
  const { backend, cache, clock, store } = cachedSetup({ staleIfError });
  await cache.set("a", client);
  await store.delete("a");
  clock.advance(maxStaleness);
  expect(await cache.get("a")).toBeUndefined();
  await expect(failing(backend.hold("get"), cache.get("a"))).rejects.toBe(outage);
});

test("only a failure of the store lets an old copy stand in, not what it holds", async () => {
  const { backend, cache, clock } = cachedSetup({ staleIfError });
  await cache.set("a", client);
  clock.advance(maxStaleness);
  const corrupt = new CorruptRecordError("The test wrote nonsense.");
  await expect(failing(backend.hold("get"), cache.get("a"), corrupt)).rejects.toBe(corrupt);
});

test("take and delete never answer from an old copy", async () => {
  const { backend, cache } = cachedSetup({ staleIfError });
  await cache.set("a", client);
  await expect(failing(backend.hold("take"), cache.take("a"))).rejects.toBe(outage);
});

test("an old copy stands in for a read that hangs", async () => {
  vi.useFakeTimers();
  try {
    const { backend, cache, clock } = cachedSetup({ staleIfError });
    await cache.set("a", client);
    clock.advance(maxStaleness);
    backend.hold("get");
    const read = cache.get("a");
    vi.advanceTimersByTime(10_000);
    expect(await read).toEqual(client);
  } finally {
    vi.useRealTimers();
  }
});

test("a record that an invalidation named does not stand in", async () => {
  const channel = new SwitchedInvalidationChannel("key");
  channel.switch("up");
  const { backend, cache } = cachedSetup({ staleIfError, invalidation: channel });
  await cache.set("a", client);
  channel.invalidate(["a"]);
  await expect(failing(backend.hold("get"), cache.get("a"))).rejects.toBe(outage);
});

test("when the channel goes down with the backend, copies made before stand in but are not fresh", async () => {
  const channel = new SwitchedInvalidationChannel("key");
  channel.switch("up");
  const { backend, cache } = cachedSetup({ staleIfError, invalidation: channel });
  await cache.set("a", client);
  channel.switch("down");
  const gate = backend.hold("get");
  const read = cache.get("a");
  expect(gate.arrived).toBe(true);
  expect(await failing(gate, read)).toEqual(client);
});

test("a fresh read fails where the backend does: no old copy stands in, and no key that is none is asked for", async () => {
  const { backend, cache, clock, store } = cachedSetup({ staleIfError });
  await cache.set("a", client);
  await expect(failing(backend.hold("get"), cache.getFresh("a"))).rejects.toBe(outage);
  await store.set("a", { text: "newer" });
  expect(await cache.get("a"), "what is in memory").toEqual(client);
  expect(await cache.getFresh("a")).toEqual({ text: "newer" });
  expect(await cache.get("a")).toEqual({ text: "newer" });
  await expect(cache.getFresh("")).rejects.toMatchObject({ code: "ERR_INVALID_KEY" });
  clock.advance(-1);
  await expect(failing(backend.hold("get"), cache.get("a"))).rejects.toBe(outage);
});
