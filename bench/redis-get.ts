/**
 * Reads of Redis: one after the other, and 100 at once, against plain ioredis and node-redis. It starts a Redis of its
 * own.
 *
 *     npx node bench/redis-get.ts
 */
import { Redis } from "ioredis";
import { createClient } from "redis";
import { type AccessToken, AccessTokenSchema } from "../src/records/access-token.ts";
import { RedisRepository, redisOptions } from "../src/redis.ts";
import { asCodec } from "../src/storage/codecs/as-codec.ts";
import { startRedisServer } from "../test/support/redis-server.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { printGoal } from "./goal.ts";
import { measureInTurns } from "./interleaved.ts";
import { machine } from "./machine.ts";

const concurrency = 100;
const record: AccessToken = {
  clientId: "7d4a3f0e-6c0b-4f5e-9a57-2c1d5b6e8f90",
  scopes: ["user", "read", "write"],
  expiresAt: Math.floor(Date.now() / 1000) + 3600,
  resource: new URL("https://mcp.example.com/mcp"),
  subject: "pui_wkwtswbqfckaqmxxm3dbiyyofvafkj4y",
  grantId: "grant-0123456789abcdefghijklmnopqrstuvwxyz",
};
const keys = Array.from({ length: concurrency }, (_, index) => `sha256-${String(index).padStart(43, "A")}=`);
const location = { repository: "token", key: "k" };

await using server = await startRedisServer();
const redis = new Redis(server.url, redisOptions());
const nodeRedis = createClient({ url: server.url });
await nodeRedis.connect();
const texts = new RedisRepository<string>(textCodec, redis, { prefix: "token" });
const tokens = new RedisRepository<AccessToken>(AccessTokenSchema, redis, { prefix: "token" });
const codec = asCodec(AccessTokenSchema);
await Promise.all(keys.map((key) => tokens.set(key, record)));

const [firstKey = ""] = keys;
const redisKeys = keys.map((key) => `token:${key}`);
const [firstRedisKey = ""] = redisKeys;
const decode = (text: string | null): AccessToken | undefined =>
  text === null ? undefined : codec.decode(text, location);

console.log(machine());
const alone = await measureInTurns(
  {
    "ioredis get": () => redis.get(firstRedisKey),
    "RedisRepository get, text": () => texts.get(firstKey),
    "ioredis get, then decode an access token": async () => decode(await redis.get(firstRedisKey)),
    "RedisRepository get, access token": () => tokens.get(firstKey),
  },
  { rounds: 2_500, runsPerRound: 20 },
);
const together = await measureInTurns(
  {
    "ioredis get": () => Promise.all(redisKeys.map((key) => redis.get(key))),
    "node-redis get": () => Promise.all(redisKeys.map((key) => nodeRedis.get(key))),
    "RedisRepository get, text": () => Promise.all(keys.map((key) => texts.get(key))),
    "ioredis get, then decode an access token": () =>
      Promise.all(redisKeys.map(async (key) => decode(await redis.get(key)))),
    "RedisRepository get, access token": () => Promise.all(keys.map((key) => tokens.get(key))),
  },
  { rounds: 1_500, runsPerRound: 2, worksPerRun: concurrency },
);
redis.disconnect();
nodeRedis.destroy();

alone.print("One get after another: time for one, and how many times ioredis's", "ioredis get");
together.print("100 gets at once: time for one, and how many times ioredis's", "ioredis get");
console.log();
printGoal(
  "one after another: time of RedisRepository to ioredis",
  alone.ratio("RedisRepository get, text", "ioredis get"),
  "at most",
  1.03,
);
printGoal(
  "one after another: the same where both decode an access token",
  alone.ratio("RedisRepository get, access token", "ioredis get, then decode an access token"),
  "at most",
  1.03,
);
printGoal(
  "100 at once: throughput of RedisRepository to ioredis",
  together.ratio("ioredis get", "RedisRepository get, text"),
  "at least",
  4,
);
printGoal(
  "100 at once: throughput of RedisRepository to node-redis",
  together.ratio("node-redis get", "RedisRepository get, text"),
  "at least",
  2,
);
