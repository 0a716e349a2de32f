/**
 * A cached get of `CachedRepository` against an async function over a raw lru-cache, without and with a look at the clock, and against other caches with their
 * in-process store. Every one of them has the same 1,000 records in memory.
 *
 *     npx node bench/cached-get.ts
 */
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { createCache } from "cache-manager";
import { Cacheable } from "cacheable";
import Keyv from "keyv";
import { Loader } from "layered-loader";
import { LRUCache } from "lru-cache";
import { createStorage } from "unstorage";
import { CachedRepository } from "../src/storage/cached/cached-repository.ts";
import { InMemoryRepository } from "../src/storage/in-memory.ts";
import { printGoal } from "./goal.ts";
import { type Comparison, measureInTurns } from "./interleaved.ts";
import { machine } from "./machine.ts";

type Get = (key: string) => Promise<unknown>;

const max = 10_000;
const minutes = 60_000;
const rounds = 400;
const getsPerRound = 5_000;
const concurrency = 100;
const raw = "async (key) => lruCache.get(key)";
/** What any cache does whose records get too old. lru-cache reads the clock once in a millisecond at most, by a timer. */
const rawWithClock = "the same, and a look at the clock";
const ours = "CachedRepository";

const records = Array.from({ length: 1_000 }, (_, index) => ({
  key: `sha256-${String(index).padStart(43, "0")}`,
  value: { clientId: `client-${index}`, scopes: ["user", "mail"], expiresAt: Math.floor(Date.now() / 1_000) + 3_600 },
}));

async function filledCaches() {
  const goodUntil = Date.now() + 10 * minutes;
  const lruCache = new LRUCache<string, object>({ max });
  const cached = new CachedRepository(new InMemoryRepository<string, object>(), { max, maxStaleness: 10 * minutes });
  const layered = new Loader<object>({
    inMemoryCache: { ttlInMsecs: 10 * minutes, maxItems: max },
    dataSourceGetOneFn: async (key) => records.find((record) => record.key === key)?.value,
  });
  const keyv = new Keyv({ ttl: 10 * minutes });
  const cacheManager = createCache({ ttl: 10 * minutes });
  const bento = new BentoCache({
    default: "memory",
    stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: max, serialize: false })) },
    ttl: 10 * minutes,
  });
  const cacheable = new Cacheable({ ttl: 10 * minutes });
  const unstorage = createStorage<object>();

  for (const { key, value } of records) {
    lruCache.set(key, value);
    await cached.set(key, value);
    await layered.get(key);
    await keyv.set(key, value);
    await cacheManager.set(key, value);
    await bento.set({ key, value });
    await cacheable.set(key, value);
    await unstorage.setItem(key, value);
  }
  return {
    [raw]: async (key: string) => lruCache.get(key),
    [rawWithClock]: async (key: string) => (Date.now() < goodUntil ? lruCache.get(key) : undefined),
    [ours]: (key: string) => cached.get(key),
    "layered-loader": (key: string) => layered.get(key),
    keyv: (key: string) => keyv.get(key),
    "cache-manager": (key: string) => cacheManager.get(key),
    bentocache: (key: string) => bento.get({ key }),
    cacheable: (key: string) => cacheable.get(key),
    unstorage: (key: string) => unstorage.getItem(key),
  };
}

type Load = (get: Get) => Promise<void>;

const keyAt = (index: number): string => records[index % records.length]?.key ?? "";

const oneAfterAnother: Load = async (get) => {
  for (let index = 0; index < getsPerRound; index += 1) await get(keyAt(index));
};

const manyAtOnce: Load = async (get) => {
  for (let index = 0; index < getsPerRound; index += concurrency) {
    await Promise.all(Array.from({ length: concurrency }, (_, offset) => get(keyAt(index + offset))));
  }
};

const caches = await filledCaches();
type Name = keyof typeof caches;
const names = Object.keys(caches).filter((name): name is Name => name in caches);

for (const name of names) {
  if ((await caches[name](keyAt(1))) === undefined) throw new Error(`${name} does not have the records in memory.`);
}
console.log(machine());
const alone = await compare(oneAfterAnother);
const together = await compare(manyAtOnce);
alone.print("One get after another, and how many times the raw cache's time", raw);
together.print(`${concurrency} gets at once: time for one, and how many times the raw cache's`, raw);
console.log();
for (const [load, measured] of [
  ["one after another", alone],
  [`${concurrency} at once`, together],
] as const) {
  printGoal(`${load}: time of ${ours} to the raw cache`, measured.ratio(ours, raw), "at most", 1.2);
  const others = names
    .filter((name) => name !== raw && name !== rawWithClock && name !== ours)
    .map((name) => measured.ratio(name, ours));
  printGoal(`${load}: time of the fastest other to ${ours}`, Math.min(...others), "at least", 1);
}
process.exit();

function compare(load: Load): Promise<Comparison<Name>> {
  const run = (name: Name) => () => load(caches[name]);
  return measureInTurns(
    {
      [raw]: run(raw),
      [rawWithClock]: run(rawWithClock),
      [ours]: run(ours),
      "layered-loader": run("layered-loader"),
      keyv: run("keyv"),
      "cache-manager": run("cache-manager"),
      bentocache: run("bentocache"),
      cacheable: run("cacheable"),
      unstorage: run("unstorage"),
    },
    { rounds, runsPerRound: 1, worksPerRun: getsPerRound },
  );
}
