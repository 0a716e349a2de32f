/**
 * 1,000,000 attempts to take 125,000 single-use values from Redis, by 8 processes at once.
 * It starts a Redis of its own, and fails where a value was handed out twice or lost without an error.
 *
 *     npx node bench/redis-take-race.ts
 */
import { RedisRepository } from "../src/redis.ts";
import { raceKeyChunks } from "../test/support/race.ts";
import { connectRedis } from "../test/support/redis-clients.ts";
import { startRedisServer } from "../test/support/redis-server.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { runTimedRace } from "./timed-race.ts";

const processes = 8;
const attempts = 1_000_000;
const keys = attempts / processes;
const prefix = "race";

await using server = await startRedisServer();
const redis = await connectRedis(server);
const repository = new RedisRepository<string>(textCodec, redis, { prefix, timeout: 30_000 });
for (const chunk of raceKeyChunks(keys, 1_000)) await Promise.all(chunk.map((key) => repository.set(key, key)));
redis.disconnect();

const worker = new URL("../test/support/redis-race-worker.ts", import.meta.url);
await runTimedRace({ worker, arguments: [String(server.port), prefix, "take"], processes, keys }, "values handed out");
