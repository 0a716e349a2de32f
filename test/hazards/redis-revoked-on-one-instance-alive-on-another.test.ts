import type { Redis } from "ioredis";
import { expect, test } from "vitest";
import { RedisRepository, RedisTrackingInvalidation } from "../../src/redis.ts";
import { CachedRepository } from "../../src/storage/cached/cached-repository.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { connectRedis } from "../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { until } from "../support/redis-topologies.ts";
import { setUp } from "../support/set-up.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { textCodec } from "../support/text-codec.ts";

interface Instance extends AsyncDisposable {
  readonly cache: CachedRepository<string, string>;
  readonly tracking: RedisTrackingInvalidation;
  readonly redis: Redis;
}

const maxStaleness = 60_000;
const clock = new ManualClock();

async function startInstance(port = server.port, options = { heartbeat: 1_000 }): Promise<Instance> {
  const redis = await connectRedis({ port });
  const tracking = new RedisTrackingInvalidation(redis, options);
  const backend = new RedisRepository<string>(textCodec, redis, { prefix: "token", timeout: 1_000 });
  const cache = new CachedRepository(backend, {
    max: 100,
    maxStaleness,
    clock: clock.read,
    invalidation: tracking.forPrefix("token"),
  });
  return {
    cache,
    tracking,
    redis,
    [Symbol.asyncDispose]: async () => {
      await cache[Symbol.asyncDispose]();
      await tracking[Symbol.asyncDispose]();
      redis.disconnect();
    },
  };
}

let server: RedisServer;
let observer: Redis;
setUp("test", async (parts) => {
  server = parts.use(await startRedisServer());
  observer = parts.use(await connectRedis(server));
});

async function holdsCopy(instance: Instance, key: string): Promise<boolean> {
  await instance.cache.get(key);
  await observer.config("RESETSTAT");
  await instance.cache.get(key);
  return !(await observer.info("commandstats")).includes("cmdstat_get:");
}

test("a token that one instance revokes is gone at another without waiting for maxStaleness", async () => {
  await using one = await startInstance();
  await using other = await startInstance();
  await one.cache.set("k", "alive");
  await until(() => holdsCopy(other, "k"));
  await one.cache.delete("k");
  // The clock stands still: only the message can end the copy.
  await until(async () => (await other.cache.get("k")) === undefined);
});

test("what expires or is flushed in Redis leaves the caches too", async () => {
  await using one = await startInstance();
  await using other = await startInstance();
  await one.cache.set("k", "alive");
  await until(() => holdsCopy(other, "k"));
  await observer.flushall();
  await until(async () => (await other.cache.get("k")) === undefined);
  await until(async () => (await one.cache.get("k")) === undefined);
});

test("once tracking has ended nothing is served from memory", async () => {
  await using one = await startInstance();
  await using other = await startInstance();
  await one.cache.set("k", "alive");
  await until(() => holdsCopy(other, "k"));
  await other.tracking[Symbol.asyncDispose]();
  await one.cache.delete("k");
  expect(await other.cache.get("k")).toBeUndefined();
});

test("with a subscriber that went silent unnoticed, a copy lives for maxStaleness and no longer", async () => {
  await using proxy = await startTcpProxy(server.port);
  await using one = await startInstance();
  await using other = await startInstance(proxy.port, { heartbeat: 3_600_000 });
  await one.cache.set("k", "alive");
  await until(() => holdsCopy(other, "k"));
  proxy.stall();
  await one.cache.delete("k");
  clock.advance(maxStaleness - 1);
  expect(await other.cache.get("k")).toBe("alive");
  clock.advance(1);
  await expect(other.cache.get("k")).rejects.toMatchObject({ code: "ERR_STORAGE_TIMEOUT" });
  proxy.flow();
  expect(await other.cache.get("k")).toBeUndefined();
});
