import { expect, it } from "vitest";
import { z } from "zod";
import { CachedRepository } from "../../../src/storage/cached/cached-repository.ts";
import type { Repository } from "../../../src/storage/contract.ts";
import { InMemoryRepository } from "../../../src/storage/in-memory.ts";
import { inOneProcess } from "../../../src/storage/in-one-process.ts";
import { observed } from "../../../src/storage/observed.ts";
import { retrying } from "../../../src/storage/retrying.ts";
import { ManualClock } from "../../support/manual-clock.ts";

interface Named {
  readonly name: string;
  readonly until: number;
}
const namedSchema = z.object({ name: z.string(), until: z.number() });
const bounds = { max: 5, maxStaleness: 3_600_000 };

/** The five methods of a repository and nothing else, as somebody writes a backend. */
function bare<V>(inner: Repository<string, V>): Repository<string, V> {
  return {
    get: (key) => inner.get(key),
    set: (key, value) => inner.set(key, value),
    delete: (key) => inner.delete(key),
    take: (key) => inner.take(key),
    add: (key, value) => inner.add(key, value),
  };
}

const sink = { hasSubscribers: false, publish: () => {} };
type Front = <V>(inner: Repository<string, V>, clock?: () => number) => Repository<string, V>;
const fronts: readonly (readonly [string, Front])[] = [
  ["by itself", (inner) => inner],
  ["observed", (inner) => observed(inner, sink)],
  ["retried", (inner) => retrying(inner)],
  ["behind another cache", (inner, clock = Date.now) => new CachedRepository(inner, { ...bounds, clock })],
];

it.each(fronts)("a cache gives what a backend without readBack gives back: %s", async (_, front) => {
  const cache = new CachedRepository(front(bare(new InMemoryRepository(namedSchema))), bounds);
  const wider = { name: "Ada", until: 1, dropped: true };
  await cache.set("set", wider);
  expect(await cache.add("added", wider)).toBe(true);
  for (const key of ["set", "added"]) expect(await cache.get(key)).toEqual({ name: "Ada", until: 1 });
});

it("a cache keeps of what is written what its backend says that a read gives back", async () => {
  const cache = new CachedRepository(new InMemoryRepository(namedSchema), bounds);
  const wider = { name: "Ada", until: 1, dropped: true };
  await cache.set("set", wider);
  expect(await cache.add("added", wider)).toBe(true);
  for (const key of ["set", "added"]) expect(cache.remembered(key)?.current()).toEqual({ name: "Ada", until: 1 });
});

it.each(fronts)("a cache goes by the expiry that its backend reads, without being told: %s", async (_, front) => {
  const clock = new ManualClock();
  const expiresAt = ({ until }: Named) => until;
  const backend = new InMemoryRepository<string, Named>({ clock: clock.read, expiresAt });
  const cache = new CachedRepository(front(backend, clock.read), { ...bounds, clock: clock.read });
  for (const store of [cache, backend]) {
    await store.set("key", { name: "Ada", until: clock.seconds(60) });
    expect(await cache.get("key")).toBeDefined();
    clock.advanceSeconds(60);
    expect(await cache.get("key")).toBeUndefined();
  }
});

const unlookable = new Proxy(
  {},
  {
    getPrototypeOf: () => {
      throw new RangeError("The test lets nobody look.");
    },
  },
);
it.each<readonly [string, () => Promise<never>]>([
  ["rejects with undefined", () => Promise.reject(undefined)],
  ["rejects with a text", () => Promise.reject("text")],
  ["rejects with a frozen error", () => Promise.reject(Object.freeze(new Error("frozen")))],
  ["rejects with what nobody can look at", () => Promise.reject(unlookable)],
  [
    "throws at once",
    () => {
      throw new TypeError("at once");
    },
  ],
])("whoever reads through a cache is told of a backend that %s, and the next read asks again", async (_, fail) => {
  for (const staleIfError of [undefined, { maxAge: 60_000, records: "long-lived" } as const]) {
    const inner = new InMemoryRepository<string, { n: number }>();
    const backend = bare(inner);
    let isFailing = true;
    backend.get = (key) => (isFailing ? fail() : inner.get(key));
    const cache = new CachedRepository(backend, { max: 5, maxStaleness: 1_000, ...(staleIfError && { staleIfError }) });
    await inner.set("key", { n: 1 });
    const told = await cache.get("key").then(
      () => "an answer",
      () => "a failure",
    );
    expect(told).toBe("a failure");
    isFailing = false;
    expect(await cache.get("key")).toEqual({ n: 1 });
  }
});

it("a cache goes by its own option where it has one", async () => {
  const clock = new ManualClock();
  const backend = new InMemoryRepository<string, Named>({ clock: clock.read, expiresAt: () => undefined });
  const cache = new CachedRepository(backend, { ...bounds, clock: clock.read, expiresAt: ({ until }) => until });
  await cache.set("key", { name: "Ada", until: clock.seconds(60) });
  clock.advanceSeconds(60);
  expect(await cache.get("key")).toBeUndefined();
});

it("what inOneProcess makes tells its expiry on", async () => {
  const clock = new ManualClock();
  const records = new Map<string, Named>();
  const basic = {
    get: async (key: string) => records.get(key),
    set: async (key: string, value: Named) => records.set(key, value),
    delete: async (key: string) => records.delete(key),
  };
  const whole = inOneProcess(basic, { clock: clock.read, expiresAt: ({ until }) => until });
  const cache = new CachedRepository(whole, { ...bounds, clock: clock.read });
  await cache.set("key", { name: "Ada", until: clock.seconds(60) });
  clock.advanceSeconds(60);
  expect(await cache.get("key")).toBeUndefined();
});
