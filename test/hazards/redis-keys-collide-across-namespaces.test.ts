import type { Redis } from "ioredis";
import { expect, test } from "vitest";
import { RedisRepository } from "../../src/redis.ts";
import { connectRedis } from "../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { setUp } from "../support/set-up.ts";
import { textCodec } from "../support/text-codec.ts";

let server: RedisServer;
let redis: Redis;
setUp("file", async (parts) => {
  server = parts.use(await startRedisServer());
  redis = parts.use(await connectRedis(server));
});

const repository = (prefix: string) => new RedisRepository<string>(textCodec, redis, { prefix });

test("a prefix cannot hold the separator, so prefix and key cannot be cut in another place", async () => {
  expect(() => repository("a:b")).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  await repository("a").set("b:c", "of a");
  expect(await repository("ab").get("c")).toBeUndefined();
  expect(await repository("a").get("b:c")).toBe("of a");
});

test("keys of any characters stay apart", async () => {
  const keys = [
    ":",
    "::",
    "a/b",
    "a:b",
    "a\\b",
    "A",
    "a",
    "*",
    "a*",
    "[a]",
    "?",
    "{a}",
    "{a}b",
    " a",
    "a ",
    "a\n",
    "\0",
    "é",
    "e\u0301",
    "🔑",
  ];
  const records = repository("odd");
  for (const key of keys) await records.set(key, JSON.stringify(key));
  for (const key of keys) expect(await records.get(key)).toBe(JSON.stringify(key));
  expect(await Promise.all(keys.map((key) => records.take(key)))).toEqual(keys.map((key) => JSON.stringify(key)));
});
