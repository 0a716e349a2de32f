/**
 * What a call to Redis costs by the number of records that are there, from 1,000 to 5,000,000, a server for each.
 *
 *     npx node bench/redis-size.ts
 */
import { Redis } from "ioredis";
import { RedisRepository, redisOptions } from "../src/redis.ts";
import { startRedisServer } from "../test/support/redis-server.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { keyAt, measureBySize, recordText, type SizedStore } from "./by-size.ts";
import { machine } from "./machine.ts";
import { isShort } from "./results.ts";

const sizes = isShort ? [1_000, 2_000] : [1_000, 100_000, 1_000_000, 5_000_000];
/** The others are Redis's own filling, which nobody asks for: it keeps no order in which a record could be far away. */
const asked = 1_000;

await using stack = new AsyncDisposableStack();
const stores: SizedStore[] = [];
for (const size of sizes) {
  const server = stack.use(await startRedisServer(["--enable-debug-command", "yes"]));
  const filler = new Redis(server.url);
  await filler.call("DEBUG", "POPULATE", String(size - asked), "filler", String(recordText.length));
  filler.disconnect();
  const redis = new Redis(server.url, redisOptions());
  stack.defer(() => redis.disconnect());
  const repository = new RedisRepository<string>(textCodec, redis, { prefix: "text" });
  for (let index = 0; index < asked; index++) await repository.set(keyAt(index), recordText);
  stores.push({ size, repository, asked });
}

console.log(machine());
await measureBySize("Redis", stores, { get: 1.3, set: 1.3, "take and add": 1.3 });
