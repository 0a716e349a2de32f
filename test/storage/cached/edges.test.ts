import { expect, test, vi } from "vitest";
import { ConfigurationError, StorageUnavailableError } from "../../../src/errors.ts";
import { CachedRepository } from "../../../src/storage/cached/cached-repository.ts";
import { InMemoryRepository } from "../../../src/storage/in-memory.ts";
import { layersOf } from "../../../src/storage/layers.ts";
import { cachedSetup, maxStaleness, type Note } from "../../support/cached-setup.ts";
import { gated } from "../../support/gated-repository.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { SwitchedInvalidationChannel } from "../../support/switched-invalidation-channel.ts";

test("the empty key is refused before the backend is asked", async () => {
  const { backend, cache } = cachedSetup();
  for (const call of [() => cache.get(""), () => cache.getFresh(""), () => cache.delete(""), () => cache.take("")]) {
    await expect(call()).rejects.toMatchObject({ code: "ERR_INVALID_KEY" });
  }
  expect(backend.calls).toEqual({ get: 0, set: 0, delete: 0, take: 0, add: 0 });
});

test("a record is absent from the moment of its expiry on, though the backend still has it", async () => {
  const clock = new ManualClock();
  const backend = new InMemoryRepository<string, { until: number }>({ expiresAt: () => undefined });
  const cache = new CachedRepository(backend, {
    max: 10,
    maxStaleness,
    clock: clock.read,
    expiresAt: ({ until }) => until,
  });
  for (const key of ["got", "taken"]) await backend.set(key, { until: clock.seconds() });
  expect(await cache.get("got")).toBeUndefined();
  expect(await cache.take("taken")).toBeUndefined();
  expect(await cache.take("missing")).toBeUndefined();
});

test("a cache over a cache is answered from that one's memory", async () => {
  const store = new InMemoryRepository<string, string>();
  const counted = gated(store);
  const inner = new CachedRepository(counted, { max: 10, maxStaleness });
  const outer = new CachedRepository(inner, { max: 10, maxStaleness });
  await inner.set("a", "value");
  expect(await outer.get("a")).toBe("value");
  expect(counted.calls.get).toBe(0);
});

test("whoever asks what is behind a cache finds its backend", () => {
  const { backend, cache } = cachedSetup();
  const [front, back] = layersOf(cache);
  expect(front).toBe(cache);
  expect(back).toBe(backend);
});

test("a read that found nothing leaves alone what was written since", async () => {
  const { backend, cache } = cachedSetup();
  const gate = backend.hold("get");
  const read = cache.get("a");
  await gate.apply();
  await cache.set("a", { text: "new" });
  await gate.answer();
  expect(await read).toBeUndefined();
  expect(await cache.get("a")).toEqual({ text: "new" });
  expect(backend.calls.get).toBe(1);
});

test("those who miss at the same time share one read of the backend, unless that is as old as a copy may be", async () => {
  const { backend, cache, clock, store } = cachedSetup();
  await store.set("a", { text: "old" });
  const gate = backend.hold("get");
  const first = cache.get("a");
  clock.advance(maxStaleness - 1);
  const second = cache.get("a");
  expect(backend.calls.get).toBe(1);
  await gate.apply();
  await store.set("a", { text: "new" });
  clock.advance(1);
  expect(await cache.get("a")).toEqual({ text: "new" });
  expect(backend.calls.get).toBe(2);
  await gate.answer();
  expect([await first, await second]).toEqual([{ text: "old" }, { text: "old" }]);
  expect(await cache.get("a")).toEqual({ text: "new" });
});

test("a backend that does not answer a read within ten seconds has failed", async () => {
  vi.useFakeTimers();
  try {
    const { backend, cache } = cachedSetup();
    backend.hold("get");
    const told = vi.fn();
    cache.get("a").catch(told);
    await vi.advanceTimersByTimeAsync(9_999);
    expect(told).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(told).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ code: "ERR_STORAGE_TIMEOUT" }));
  } finally {
    vi.useRealTimers();
  }
});

test("an add that is refused leaves no copy, not even one from before, and one that writes leaves its own", async () => {
  const { backend, cache, store } = cachedSetup();
  await cache.set("a", { text: "old" });
  await store.set("a", { text: "new" });
  expect(await cache.add("a", { text: "mine" })).toBe(false);
  expect(await cache.get("a")).toEqual({ text: "new" });
  const before = backend.calls.get;
  expect(await cache.add("b", { text: "mine" })).toBe(true);
  expect(await cache.get("b")).toEqual({ text: "mine" });
  expect(backend.calls.get).toBe(before);
});

test("a record that is taken goes back where its expiry is no time, for it has to stay", async () => {
  const { cache, store } = cachedSetup<Note>();
  const spoilt: Note = JSON.parse('{"text":"token","expiresAt":"soon"}');
  let kept: Note | undefined = spoilt;
  vi.spyOn(store, "take").mockImplementation(async () => {
    const taken = kept;
    kept = undefined;
    return taken;
  });
  vi.spyOn(store, "add").mockImplementation(async (_key, value) => {
    kept = value;
    return true;
  });
  await expect(cache.take("a")).rejects.toMatchObject({ code: "ERR_CORRUPT_RECORD" });
  expect(kept).toEqual(spoilt);
});

test("a record whose copy would have lost its expiry is refused before the backend is asked", async () => {
  const { backend, cache } = cachedSetup<Note>();
  const record = Object.defineProperty({ text: "token" }, "expiresAt", { value: 4_000_000_000 });
  for (const write of ["set", "add"] as const) {
    await expect(cache[write]("a", record)).rejects.toMatchObject({ code: "ERR_INVALID_RECORD" });
  }
  expect(backend.calls).toMatchObject({ set: 0, add: 0 });
});

test("a clock that counts seconds is no clock of a cache", async () => {
  const { cache, store } = cachedSetup<Note>({ clock: () => 1_800_000_000 });
  await store.set("a", { text: "token" });
  await expect(cache.get("a")).rejects.toThrow(ConfigurationError);
  await expect(cache.take("a")).rejects.toThrow(ConfigurationError);
});

test("a channel is asked whether it tells of the changes of the repository behind the cache", () => {
  const asked: unknown[] = [];
  const channel = Object.assign(new SwitchedInvalidationChannel(), {
    requireRepository: (repository: object) => {
      asked.push(repository);
      if (asked.length > 1) throw new ConfigurationError("The test has another repository.");
    },
  });
  const { backend } = cachedSetup({ invalidation: channel });
  expect(asked).toEqual([backend]);
  expect(asked[0]).toBe(backend);
  expect(() => cachedSetup({ invalidation: channel })).toThrow(ConfigurationError);
});

test("whoever asks to be told of a change that could not be published is told with the reason", async () => {
  const channel = new SwitchedInvalidationChannel();
  channel.publishFailure = new StorageUnavailableError("The test cut the line.");
  const onPublishFailure = vi.fn();
  const { cache } = cachedSetup({ invalidation: channel, onPublishFailure });
  await cache.set("a", { text: "new" });
  expect(onPublishFailure).toHaveBeenCalledExactlyOnceWith(channel.publishFailure);
});

test("what is thrown by whoever is told that a change could not be published is the process's to see", async () => {
  const channel = new SwitchedInvalidationChannel();
  channel.publishFailure = new StorageUnavailableError("The test cut the line.");
  const defect = new RangeError("The test throws.");
  const onPublishFailure = () => {
    throw defect;
  };
  const { cache, store } = cachedSetup({ invalidation: channel, onPublishFailure });
  const uncaught: (() => void)[] = [];
  vi.stubGlobal("queueMicrotask", (task: () => void) => uncaught.push(task));
  await cache.set("a", { text: "new" }).finally(() => vi.unstubAllGlobals());
  expect(await store.get("a")).toEqual({ text: "new" });
  expect(uncaught).toHaveLength(1);
  expect(uncaught[0]).toThrow(defect);
});

test("without a channel nobody is told that a change could not be published", async () => {
  const onPublishFailure = vi.fn();
  const { cache } = cachedSetup({ onPublishFailure });
  await cache.set("a", { text: "new" });
  expect(onPublishFailure).not.toHaveBeenCalled();
});

test("a change that could not be published is no failure where nobody asks to be told", async () => {
  const channel = new SwitchedInvalidationChannel();
  channel.publishFailure = new StorageUnavailableError("The test cut the line.");
  const { cache, store } = cachedSetup({ invalidation: channel });
  const uncaught: (() => void)[] = [];
  vi.stubGlobal("queueMicrotask", (task: () => void) => uncaught.push(task));
  await cache.set("a", { text: "new" }).finally(() => vi.unstubAllGlobals());
  expect(await store.get("a")).toEqual({ text: "new" });
  expect(uncaught).toEqual([]);
});

test("a copy has an age while it is fresh, and what there is no copy of has none", async () => {
  const { cache, clock } = cachedSetup();
  await cache.set("a", { text: "token" });
  clock.advance(7);
  expect([cache.copyAge("a"), cache.copyAge("b")]).toEqual([7, undefined]);
  clock.advance(maxStaleness);
  expect(cache.copyAge("a")).toBeUndefined();
});

test("what a cache publishes is the key where the channel names records by it, and a hash of it elsewhere", async () => {
  for (const names of ["key", "sha256"] as const) {
    const channel = new SwitchedInvalidationChannel(names);
    const { cache } = cachedSetup({ invalidation: channel });
    await cache.set("a", { text: "token" });
    expect(channel.published).toEqual([names === "key" ? "a" : expect.stringMatching(/^[\w-]{43}$/)]);
  }
});
