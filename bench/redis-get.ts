/**
 * Reads of Redis: one after the other, and 100 at once, against plain ioredis and node-redis.
 * Run it with `npx node bench/redis-get.ts`; it starts a Redis of its own. Ratios count, not the absolute times.
 */
import { Redis } from "ioredis";
import { createClient } from "redis";
import { type AccessToken, AccessTokenSchema } from "../src/codecs/access-token.ts";
import { asCodec } from "../src/codecs/as-codec.ts";
import { RedisRepository, redisOptions } from "../src/repository/redis/index.ts";
import { startRedisServer } from "../test/support/redis-server.ts";
import { textCodec } from "../test/support/text-codec.ts";
import { type Contender, type Measurement, measureInTurns, ratio } from "./interleaved.ts";

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

const [plainAlone, oursAlone, decodedAlone, tokenAlone] = await measure("one at a time", 1_000, [
  { name: "ioredis get", run: () => redis.get(firstRedisKey) },
  { name: "RedisRepository get, text", run: () => texts.get(firstKey) },
  { name: "ioredis get, then decode an access token", run: async () => decode(await redis.get(firstRedisKey)) },
  { name: "RedisRepository get, access token", run: () => tokens.get(firstKey) },
]);
const [plain, nodeRedisPlain, ours, decoded, token] = await measure("100 at once, for all 100", 50, [
  { name: "ioredis get", run: () => Promise.all(redisKeys.map((key) => redis.get(key))) },
  { name: "node-redis get", run: () => Promise.all(redisKeys.map((key) => nodeRedis.get(key))) },
  { name: "RedisRepository get, text", run: () => Promise.all(keys.map((key) => texts.get(key))) },
  {
    name: "ioredis get, then decode an access token",
    run: () => Promise.all(redisKeys.map(async (key) => decode(await redis.get(key)))),
  },
  { name: "RedisRepository get, access token", run: () => Promise.all(keys.map((key) => tokens.get(key))) },
]);

console.log("\nratios");
goal("one at a time: RedisRepository to ioredis, time", factor(oursAlone, plainAlone), "at most", 1.05);
goal("one at a time: the same with access tokens, time", factor(tokenAlone, decodedAlone), "at most", 1.05);
goal("100 at once: RedisRepository to ioredis, throughput", factor(plain, ours), "at least", 3.5);
goal("100 at once: RedisRepository to node-redis, throughput", factor(nodeRedisPlain, ours), "at least", 1.5);
goal("100 at once: the same as ioredis with access tokens, throughput", factor(decoded, token), "at least", 1);

redis.disconnect();
nodeRedis.destroy();

async function measure(title: string, runsPerRound: number, contenders: readonly Contender[]): Promise<Measurement[]> {
  const measurements = await measureInTurns(contenders, { rounds: 30, runsPerRound });
  console.log(`\n${title}`);
  for (const { name, microseconds } of measurements) {
    console.log(`  ${name.padEnd(42)} ${microseconds.toFixed(1).padStart(8)} µs`);
  }
  return measurements;
}

function factor(measured: Measurement | undefined, other: Measurement | undefined): number {
  return measured === undefined || other === undefined ? Number.NaN : ratio(measured, other);
}

function goal(what: string, value: number, bound: "at most" | "at least", limit: number): void {
  const met = bound === "at most" ? value <= limit : value >= limit;
  console.log(
    `  ${what.padEnd(66)} ${value.toFixed(2).padStart(6)}  (goal ${bound} ${limit}: ${met ? "met" : "missed"})`,
  );
}
