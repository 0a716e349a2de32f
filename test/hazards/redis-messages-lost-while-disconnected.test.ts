import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { RedisPubSubInvalidation, RedisRepository, RedisTrackingInvalidation } from "../../src/redis.ts";
import { CachedRepository } from "../../src/storage/cached/cached-repository.ts";
import type { InvalidationChannel } from "../../src/storage/cached/invalidation.ts";
import { connectRedis, redisClient } from "../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { until } from "../support/redis-topologies.ts";
import { setUp } from "../support/set-up.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { textCodec } from "../support/text-codec.ts";

/** Far longer than the test: nothing but the channel may end a copy. Milliseconds. */
const maxStaleness = 3_600_000;

let server: RedisServer;
let proxy: TcpProxy;
let behindProxy: Redis;
let redis: Redis;
/** Another instance. */
let elsewhere: RedisRepository<string>;

setUp("test", async (parts) => {
  server = parts.use(await startRedisServer());
  proxy = parts.use(await startTcpProxy(server.port));
  redis = parts.use(await connectRedis(server));
  behindProxy = parts.use(redisClient(proxy));
  elsewhere = new RedisRepository<string>(textCodec, parts.use(await connectRedis(server)), { prefix: "token" });
});

function cacheWith(client: Redis, invalidation: InvalidationChannel): CachedRepository<string, string> {
  const backend = new RedisRepository<string>(textCodec, client, { prefix: "token" });
  return new CachedRepository(backend, { max: 100, maxStaleness, invalidation });
}

/** True where a get is answered without Redis. */
async function isCached(cache: CachedRepository<string, string>, key: string): Promise<boolean> {
  await cache.get(key);
  await redis.config("RESETSTAT");
  await cache.get(key);
  return !(await redis.info("commandstats")).includes("cmdstat_get:");
}

describe("with tracking", () => {
  test("a token that was deleted while the connections were lost is not served, then or later", async () => {
    await using tracking = new RedisTrackingInvalidation(behindProxy, { heartbeat: 1_000 });
    const cache = cacheWith(behindProxy, tracking.forPrefix("token"));
    await elsewhere.set("k", "alive");
    await until(() => isCached(cache, "k"));

    proxy.refuse();
    proxy.reset();
    await until(() => behindProxy.status !== "ready");
    await elsewhere.delete("k");
    expect(await cache.get("k").catch((error: unknown) => error)).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
    proxy.accept();
    await until(async () => (await cache.get("other").catch(() => "down")) === undefined);
    expect(await cache.get("k")).toBeUndefined();
    await elsewhere.set("other", "cached again");
    await until(() => isCached(cache, "other"));
    expect(await cache.get("k")).toBeUndefined();
  });

  test("a token that was deleted just as the subscriber was killed is not served for long", async () => {
    await using tracking = new RedisTrackingInvalidation(redis, { heartbeat: 1_000 });
    const cache = cacheWith(redis, tracking.forPrefix("token"));
    await elsewhere.set("k", "alive");
    await until(() => isCached(cache, "k"));
    // The message about it has nobody left to go to. Only the loss of the subscriber can end the copy.
    await Promise.all([redis.call("CLIENT", "KILL", "TYPE", "pubsub"), elsewhere.delete("k")]);
    await until(async () => (await cache.get("k")) === undefined);
  });
});

describe("with pub/sub", () => {
  test("a token that was deleted while the listener was lost is not served, then or later", async () => {
    await using listening = new RedisPubSubInvalidation(behindProxy, { prefix: "token", heartbeat: 1_000 });
    await using publishing = new RedisPubSubInvalidation(redis, { prefix: "token", heartbeat: 1_000 });
    const cache = cacheWith(redis, listening);
    const otherCache = cacheWith(redis, publishing);
    await otherCache.set("k", "alive");
    await until(() => isCached(cache, "k"));

    proxy.refuse();
    proxy.reset();
    await until(() => behindProxy.status !== "ready");
    await otherCache.delete("k");
    expect(await cache.get("k")).toBeUndefined();
    proxy.accept();
    await otherCache.set("other", "v");
    await until(() => isCached(cache, "other"));
    expect(await cache.get("k")).toBeUndefined();
  });
});
