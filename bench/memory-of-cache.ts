/** One measurement of `memory.ts`: prints the bytes for each entry. */
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { createCache } from "cache-manager";
import Keyv from "keyv";
import { Loader } from "layered-loader";
import { LRUCache } from "lru-cache";
import { CachedRepository } from "../src/storage/cached/cached-repository.ts";
import type { Repository } from "../src/storage/contract.ts";

const [name = "", size = "0"] = process.argv.slice(2);
const count = Number(size);
const lifetime = 3_600_000;

interface Sample {
  readonly clientId: string;
  readonly scopes: readonly string[];
  readonly expiresAt: number;
}

const keyOf = (index: number): string => `sha256-${String(index).padStart(43, "0")}`;
const recordOf = (index: number): Sample => ({
  clientId: `client-${index}`,
  scopes: ["user", "mail"],
  expiresAt: Math.floor(Date.now() / 1000) + 3600,
});

/** A store that has every record and keeps none. */
const store: Repository<string, Sample> = {
  get: async (key) => recordOf(Number(key.slice(7))),
  set: async () => undefined,
  delete: async () => true,
  take: async () => undefined,
  add: async () => true,
};

/** What fills each cache with a record. */
const fills: Readonly<Record<string, () => (key: string, record: Sample) => unknown>> = {
  Map: () => {
    const map = new Map<string, Sample>();
    return (key, record) => map.set(key, record);
  },
  "lru-cache": () => {
    const cache = new LRUCache<string, Sample>({ max: count });
    return (key, record) => cache.set(key, record);
  },
  CachedRepository: () => {
    const cache = new CachedRepository(store, { max: count, maxStaleness: lifetime });
    return (key) => cache.get(key);
  },
  "cache-manager": () => {
    const cache = createCache({ ttl: lifetime });
    return (key, record) => cache.set(key, record);
  },
  keyv: () => {
    const cache = new Keyv({ ttl: lifetime });
    return (key, record) => cache.set(key, record);
  },
  bentocache: () => {
    const cache = new BentoCache({
      default: "memory",
      stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: count, serialize: false })) },
      ttl: lifetime,
    });
    return (key, value) => cache.set({ key, value });
  },
  "layered-loader": () => {
    const cache = new Loader<object>({
      inMemoryCache: { ttlInMsecs: lifetime, maxItems: count },
      dataSourceGetOneFn: (key) => store.get(key),
    });
    return (key) => cache.get(key);
  },
};

const make = fills[name];
if (make === undefined || globalThis.gc === undefined)
  throw new Error("node --expose-gc bench/memory-of-cache.ts <cache> <size>");
const fill = make();
await fill(keyOf(count), recordOf(count));
globalThis.gc();
const before = process.memoryUsage().heapUsed;
for (let index = 0; index < count; index++) await fill(keyOf(index), recordOf(index));
globalThis.gc();
const after = process.memoryUsage().heapUsed;
// Used again, so that nothing was collected before it was measured.
await fill(keyOf(0), recordOf(0));
console.log((after - before) / count);
process.exit();
