/**
 * A cached get of `CachedRepository` against an async function over a raw lru-cache, and against other caches with their
 * in-process store: `node bench/cached-get.ts`.
 *
 * Every subject has the same 1,000 records in memory. The subjects take turns in short rounds, and what is printed is
 * the median over the rounds of each subject's time divided by the raw cache's in the same round, so that a busy machine
 * slows both.
 */
import { BentoCache, bentostore } from "bentocache";
import { memoryDriver } from "bentocache/drivers/memory";
import { createCache } from "cache-manager";
import { Cacheable } from "cacheable";
import Keyv from "keyv";
import { Loader } from "layered-loader";
import { LRUCache } from "lru-cache";
import { createStorage } from "unstorage";
import { CachedRepository } from "../src/repository/cached/index.ts";
import { InMemoryRepository } from "../src/repository/in-memory.ts";

interface Subject {
  readonly name: string;
  readonly get: (key: string) => Promise<unknown>;
}

const max = 10_000;
const minutes = 60_000;
const rounds = 61;
const warmUpRounds = 10;
const getsPerRound = 5_000;
const concurrency = 100;

const records = Array.from({ length: 1_000 }, (_, index) => ({
  key: `sha256-${String(index).padStart(43, "0")}`,
  value: { clientId: `client-${index}`, scopes: ["user", "mail"], expiresAt: Math.floor(Date.now() / 1_000) + 3_600 },
}));

async function subjects(): Promise<[raw: Subject, ...others: Subject[]]> {
  const raw = new LRUCache<string, object>({ max });
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
    raw.set(key, value);
    await cached.set(key, value);
    await layered.get(key);
    await keyv.set(key, value);
    await cacheManager.set(key, value);
    await bento.set({ key, value });
    await cacheable.set(key, value);
    await unstorage.setItem(key, value);
  }
  return [
    { name: "async (key) => lruCache.get(key)", get: async (key) => raw.get(key) },
    { name: "CachedRepository", get: (key) => cached.get(key) },
    { name: "layered-loader", get: (key) => layered.get(key) },
    { name: "keyv", get: (key) => keyv.get(key) },
    { name: "cache-manager", get: (key) => cacheManager.get(key) },
    { name: "bentocache", get: (key) => bento.get({ key }) },
    { name: "cacheable", get: (key) => cacheable.get(key) },
    { name: "unstorage", get: (key) => unstorage.getItem(key) },
  ];
}

type Load = (get: Subject["get"]) => Promise<void>;

const keyAt = (index: number): string => records[index % records.length]?.key ?? "";

const oneAfterAnother: Load = async (get) => {
  for (let index = 0; index < getsPerRound; index += 1) await get(keyAt(index));
};

const manyAtOnce: Load = async (get) => {
  for (let index = 0; index < getsPerRound; index += concurrency) {
    await Promise.all(Array.from({ length: concurrency }, (_, offset) => get(keyAt(index + offset))));
  }
};

/** Nanoseconds for a get. */
async function time(load: Load, { get }: Subject): Promise<number> {
  const started = process.hrtime.bigint();
  await load(get);
  return Number(process.hrtime.bigint() - started) / getsPerRound;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function compare(title: string, load: Load, all: readonly [Subject, ...Subject[]]): Promise<void> {
  const [raw] = all;
  const times = new Map<Subject, { readonly nanoseconds: number[]; readonly ratios: number[] }>();
  for (const subject of all) times.set(subject, { nanoseconds: [], ratios: [] });
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    const spent = new Map<Subject, number>();
    for (const subject of shuffled(all)) spent.set(subject, await time(load, subject));
    if (round < 0) continue;
    for (const [subject, nanoseconds] of spent) {
      times.get(subject)?.nanoseconds.push(nanoseconds);
      times.get(subject)?.ratios.push(nanoseconds / (spent.get(raw) ?? Number.NaN));
    }
  }
  console.log(`\n${title}`);
  console.table(
    [...times].map(([{ name }, { nanoseconds, ratios }]) => ({
      subject: name,
      "ns/get (median)": Math.round(median(nanoseconds)),
      "times the raw cache": median(ratios).toFixed(2),
    })),
  );
}

/** Who comes after a slow subject finds colder caches, so nobody always does. */
function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ value }) => value);
}

const all = await subjects();
for (const { name, get } of all) {
  if ((await get(keyAt(1))) === undefined) throw new Error(`${name} does not have the records in memory.`);
}
await compare("One get after another", oneAfterAnother, all);
await compare(`${concurrency} gets at once`, manyAtOnce, all);
process.exit(0);
