/**
 * 1,000,000 attempts to take 125,000 single-use values from Redis, by 8 processes at once.
 * It starts a Redis of its own, and fails where a value was handed out twice or lost without an error.
 *
 *     npx node bench/redis-take-race.ts
 */
import { RedisRepository } from "../src/redis.ts";
import { connectRedis } from "../test/support/redis-clients.ts";
import { startRedisServer } from "../test/support/redis-server.ts";
import { raceForValues } from "../test/support/take-race.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { machine } from "./machine.ts";

const processes = 8;
const attempts = 1_000_000;
const keys = attempts / processes;
const prefix = "race";

await using server = await startRedisServer();
const redis = await connectRedis(server);
const repository = new RedisRepository<string>(textCodec, redis, { prefix, timeout: 30_000 });
for (let start = 0; start < keys; start += 1_000) {
  const chunk = Array.from({ length: Math.min(1_000, keys - start) }, (_, index) => `code-${start + index}`);
  await Promise.all(chunk.map((key) => repository.set(key, key)));
}
redis.disconnect();

console.log(machine());
const start = performance.now();
const result = await raceForValues({
  worker: new URL("../test/support/redis-take-race-worker.ts", import.meta.url),
  arguments: [String(server.port), prefix],
  processes,
  keys,
});
const seconds = (performance.now() - start) / 1000;
console.log(
  `${result.attempts} attempts by ${processes} processes in ${seconds.toFixed(1)} s: ` +
    `${result.taken} values handed out, ${result.takenTwice} twice, ${result.lost} lost without an error, ` +
    `${result.errors} errors`,
);
if (result.takenTwice > 0 || result.lost > 0 || result.taken + result.errors < keys) process.exitCode = 1;
