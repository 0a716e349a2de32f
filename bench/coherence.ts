/**
 * What it costs that several instances agree: from 2 to 8 caches over one Redis, each with a connection of its own. A record
 * that all of them have in memory is changed by one; measured are how long the others go on answering with the old one, and
 * what Redis sends and does for it. A straight line through the first two counts foretells the others.
 *
 *     npx node bench/coherence.ts
 */
import { Redis } from "ioredis";
import { RedisRepository, RedisTrackingInvalidation, redisOptions } from "../src/redis.ts";
import { CachedRepository } from "../src/storage/cached/cached-repository.ts";
import { startRedisServer } from "../test/support/redis-server.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { percentile } from "./load/open-loop.ts";
import { machine } from "./machine.ts";
import { isShort, recordResult } from "./results.ts";

const counts = isShort ? [2, 3] : [2, 4, 6, 8];
const changes = isShort ? 5 : 300;
const maxStaleness = 30_000;

await using server = await startRedisServer();
const observer = new Redis(server.url);

interface Traffic {
  readonly bytes: number;
  readonly commands: number;
}

async function trafficSoFar(): Promise<Traffic> {
  const info = await observer.info();
  const of = (name: string): number => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1]);
  return { bytes: of("total_net_output_bytes"), commands: of("total_commands_processed") };
}

async function measure(count: number) {
  await using stack = new AsyncDisposableStack();
  const caches = Array.from({ length: count }, () => {
    const redis = new Redis(server.url, redisOptions());
    stack.defer(() => redis.disconnect());
    const repository = new RedisRepository<string>(textCodec, redis, { prefix: `texts-${count}` });
    const invalidation = stack.use(new RedisTrackingInvalidation(redis)).forRepository(repository);
    return stack.use(new CachedRepository(repository, { max: 1000, maxStaleness, invalidation }));
  });
  const [first, ...others] = caches;
  await first?.set("key", "text 0");
  // The caches answer from memory once their channels are up.
  for (let turn = 0; turn < 40; turn++) {
    await Promise.all(caches.map((cache) => cache.get("key")));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const stale: number[] = [];
  let asked = await trafficSoFar();
  const idle = (await trafficSoFar()).bytes - asked.bytes;
  asked = await trafficSoFar();
  for (let change = 1; change <= changes; change++) {
    const text = `text ${change}`;
    await first?.set("key", text);
    const changedAt = performance.now();
    const hear = async (cache: CachedRepository<string, string>): Promise<void> => {
      while ((await cache.get("key")) !== text) await new Promise((resolve) => setImmediate(resolve));
      stale.push(performance.now() - changedAt);
    };
    await Promise.all(others.map(hear));
  }
  const after = await trafficSoFar();
  return {
    stale,
    bytes: (after.bytes - asked.bytes - idle) / changes,
    commands: (after.commands - asked.commands - 1) / changes,
  };
}

console.log(machine());
const measured: { count: number; bytes: number; commands: number; p50: number; p99: number; longest: number }[] = [];
for (const count of counts) {
  const { stale, bytes, commands } = await measure(count);
  const [p50, p99] = [percentile(stale, 0.5), percentile(stale, 0.99)];
  measured.push({ count, bytes, commands, p50, p99, longest: Math.max(...stale) });
}
observer.disconnect();
const [one, other] = measured;
const slope = one && other ? (other.bytes - one.bytes) / (other.count - one.count) : Number.NaN;
const foretold = (count: number): number => (one ? one.bytes + slope * (count - one.count) : Number.NaN);
const columns = [
  "instances",
  "bytes of Redis a change",
  "foretold",
  "commands a change",
  "stale p50 ms",
  "p99 ms",
  "longest ms",
];
const rows = measured.map(({ count, bytes, commands, p50, p99, longest }) => [
  count,
  Math.round(bytes),
  Math.round(foretold(count)),
  Number(commands.toFixed(1)),
  ...[p50, p99, longest].map((each) => Number(each.toFixed(2))),
]);
console.table(rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]]))));
recordResult({
  kind: "table",
  title: "A record that every instance has in memory, changed by one of them",
  columns,
  rows,
});
recordResult({
  kind: "plot",
  title: "Bytes that Redis sends for a change, by the number of instances",
  x: "instances",
  y: "bytes",
  points: measured.flatMap(({ count, bytes }) => [
    { line: "measured", x: count, y: bytes },
    { line: "foretold from the first two", x: count, y: foretold(count) },
  ]),
});
