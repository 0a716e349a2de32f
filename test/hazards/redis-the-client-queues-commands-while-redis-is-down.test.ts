import { Redis } from "ioredis";
import { createClient } from "redis";
import { expect, test } from "vitest";
import { nodeRedisOptions, RedisRepository, redisOptions } from "../../src/redis.ts";
import { connectRedis, usedClient } from "../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { until } from "../support/redis-topologies.ts";
import { setUp } from "../support/set-up.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { textCodec } from "../support/text-codec.ts";

let server: RedisServer;
let proxy: TcpProxy;
/** The client of another instance, which has no trouble. */
let elsewhere: Redis;

setUp("test", async (parts) => {
  server = parts.use(await startRedisServer());
  proxy = parts.use(await startTcpProxy(server.port));
  elsewhere = parts.use(await connectRedis(server));
});

test("a client with the defaults of ioredis, which queues and resends, is refused", () => {
  const redis = new Redis({ lazyConnect: true });
  expect(() => new RedisRepository(textCodec, redis, { prefix: "token" })).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION" }),
  );
  redis.disconnect();
});

test("a client with the defaults of node-redis, which queues and sends later, is refused", () => {
  expect(() => new RedisRepository(textCodec, createClient(), { prefix: "token" })).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION" }),
  );
});

test("a set that node-redis was given during an outage is not sent after a delete", async () => {
  const redis = createClient({ url: `redis://127.0.0.1:${proxy.port}`, ...nodeRedisOptions() });
  redis.on("error", () => undefined);
  await redis.connect();
  const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token", timeout: 200 });
  await repository.set("k", "old");
  proxy.refuse();
  proxy.reset();
  await until(() => !redis.isReady);
  const refused = await repository.set("k", "stale").catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });

  expect(await elsewhere.del("token:k")).toBe(1);
  proxy.accept();
  await until(async () => (await repository.get("other").catch(() => "down")) === undefined);
  expect(await repository.get("k")).toBeUndefined();
  redis.destroy();
});

test.each([false, true])(
  "a set that was refused during an outage is not replayed after a delete (offline queue: %s)",
  async (queue) => {
    using redis = usedClient(new Redis(proxy.port, "127.0.0.1", { ...redisOptions(), enableOfflineQueue: queue }));
    const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token", timeout: 200 });
    await repository.set("k", "old");
    proxy.refuse();
    proxy.reset();
    await until(() => redis.status !== "ready");
    const refused = await repository.set("k", "stale").catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });

    expect(await elsewhere.del("token:k")).toBe(1);
    proxy.accept();
    await until(async () => (await repository.get("other").catch(() => "down")) === undefined);
    expect(await repository.get("k")).toBeUndefined();
  },
);

test("a set whose connection was lost under it is not sent again after a delete", async () => {
  using redis = usedClient(new Redis(proxy.port, "127.0.0.1", redisOptions()));
  const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token" });
  await repository.set("k", "old");
  proxy.withholdReplies();
  const lost = repository.set("k", "stale").catch((error: unknown) => error);
  await until(async () => (await elsewhere.get("token:k")) === "stale");
  proxy.reset();
  expect(await lost).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown" });

  await elsewhere.del("token:k");
  proxy.flow();
  await until(async () => (await repository.get("other").catch(() => "down")) === undefined);
  expect(await repository.get("k")).toBeUndefined();
});
