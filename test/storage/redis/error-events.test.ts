import type { EventEmitter } from "node:events";
import { Cluster, Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import {
  clusterOptions,
  createRedisRepositories,
  RedisPubSubInvalidation,
  RedisRepository,
  RedisTrackingInvalidation,
  redisOptions,
} from "../../../src/redis.ts";
import { freePort } from "../../support/free-port.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { startRedisReplication, startSentinel, until } from "../../support/redis-topologies.ts";
import { textCodec } from "../../support/text-codec.ts";

/** Unlike `once` of node:events it does not listen to errors, which would hide what this file looks for. */
const once = (emitter: EventEmitter, event: string): Promise<void> =>
  new Promise((resolve) => void emitter.once(event, () => resolve()));

const printed = vi.spyOn(console, "error");
const warnings: unknown[] = [];
const onWarning = (warning: unknown): void => void warnings.push(warning);
beforeEach(() => {
  printed.mockReset();
  warnings.length = 0;
  process.on("warning", onWarning);
});
afterEach(() => {
  process.off("warning", onWarning);
});

const users: readonly [what: string, use: (redis: Redis) => AsyncDisposable][] = [
  ["RedisRepository", (redis) => new RedisRepository(textCodec, redis, { prefix: "k" })],
  ["createRedisRepositories", (redis) => createRedisRepositories(redis)],
  [
    "RedisPubSubInvalidation",
    (redis) => {
      const channel = new RedisPubSubInvalidation(redis, { prefix: "k" });
      channel.subscribe({ onInvalidate: () => undefined, onConnectionChange: () => undefined });
      return channel;
    },
  ],
  [
    "RedisTrackingInvalidation",
    (redis) => {
      const tracking = new RedisTrackingInvalidation(redis);
      tracking.forPrefix("k").subscribe({ onInvalidate: () => undefined, onConnectionChange: () => undefined });
      return tracking;
    },
  ],
];

describe("a client without a listener of its own", () => {
  test.each(users)("given to %s prints nothing while Redis cannot be reached", async (_, use) => {
    const redis = new Redis(await freePort(), "127.0.0.1", redisOptions());
    const used = use(redis);
    try {
      for (const _attempt of [1, 2]) await once(redis, "close");
      await used[Symbol.asyncDispose]();
      await once(redis, "close");
      expect(printed).not.toHaveBeenCalled();
    } finally {
      redis.disconnect();
    }
  });

  test("nor when Redis goes away, for any number of repositories", async () => {
    await using server = await startRedisServer();
    const redis = new Redis(server.url, redisOptions());
    try {
      await once(redis, "ready");
      for (let index = 0; index < 30; index++) new RedisRepository(textCodec, redis, { prefix: `k${index}` });
      expect(redis.listenerCount("error")).toBe(1);
      const closed = once(redis, "close");
      await server.kill();
      await closed;
      await once(redis, "close");
      expect(printed).not.toHaveBeenCalled();
      expect(warnings).toEqual([]);
    } finally {
      redis.disconnect();
    }
  });

  test("nor does a Cluster client", async () => {
    const cluster = new Cluster([{ host: "127.0.0.1", port: await freePort() }], clusterOptions());
    try {
      const repository = new RedisRepository(textCodec, cluster, { prefix: "k", timeout: 300 });
      await expect(repository.get("k")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
      await once(cluster, "close");
      expect(printed).not.toHaveBeenCalled();
    } finally {
      cluster.disconnect();
    }
  });

  test.each(["ours", "the caller's"])(
    "nor behind Sentinels of which one is away, where the listener is %s",
    async (whose) => {
      await using replication = await startRedisReplication();
      const sentinel = await startSentinel(replication.primary);
      const sentinels = [
        { host: "127.0.0.1", port: await freePort() },
        { host: "127.0.0.1", port: sentinel.port },
      ];
      const redis = new Redis({ sentinels, name: "primary", ...redisOptions() });
      if (whose !== "ours") redis.on("error", () => undefined);
      let reconnects = 0;
      redis.on("sentinelReconnecting", () => {
        reconnects++;
      });
      try {
        for (let index = 0; index < 20; index++) new RedisRepository(textCodec, redis, { prefix: `k${index}` });
        await using channel = new RedisPubSubInvalidation(redis, { prefix: "k" });
        channel.subscribe({ onInvalidate: () => undefined, onConnectionChange: () => undefined });
        await once(redis, "ready");
        await sentinel[Symbol.asyncDispose]();
        await until(() => reconnects >= 6);
        expect(printed).not.toHaveBeenCalled();
        expect(warnings).toEqual([]);
      } finally {
        redis.disconnect();
      }
    },
  );
});

test("a caller's own listener hears the errors, and no other is added", async () => {
  const redis = new Redis(await freePort(), "127.0.0.1", redisOptions());
  const heard = vi.fn();
  redis.on("error", heard);
  try {
    new RedisRepository(textCodec, redis, { prefix: "k" });
    expect(redis.listenerCount("error")).toBe(1);
    await once(redis, "close");
    expect(heard).toHaveBeenCalled();
  } finally {
    redis.disconnect();
  }
});
