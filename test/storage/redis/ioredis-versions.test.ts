import { Redis } from "ioredis";
import { Cluster as Cluster5, Redis as Redis5 } from "ioredis5";
import { expect, expectTypeOf, test } from "vitest";
import {
  clusterOptions,
  createRedisRepositories,
  type RedisLike,
  RedisPubSubInvalidation,
  RedisTrackingInvalidation,
  redisOptions,
} from "../../../src/redis.ts";

test("the tests of Redis run with ioredis 5 where they are told to, and with 6 elsewhere", () => {
  expect(Object.is(Redis, Redis5)).toBe(process.env.IOREDIS === "5");
});

test("clients of ioredis 5 are taken as they are, with the recommended settings", async () => {
  expectTypeOf<Redis5>().toExtend<RedisLike>();
  expectTypeOf<Cluster5>().toExtend<RedisLike>();
  const redis = new Redis5({ ...redisOptions(), lazyConnect: true });
  const behindSentinels = new Redis5({
    sentinels: [{ host: "127.0.0.1", port: 1 }],
    name: "primary",
    ...redisOptions(),
    lazyConnect: true,
  });
  const cluster = new Cluster5([{ host: "127.0.0.1", port: 1 }], { ...clusterOptions(), lazyConnect: true });
  for (const client of [redis, cluster]) {
    await using _repositories = createRedisRepositories(client);
    await using _tracking = new RedisTrackingInvalidation(client);
    await using _pubSub = new RedisPubSubInvalidation(client);
    client.disconnect();
  }
  behindSentinels.disconnect();
});
