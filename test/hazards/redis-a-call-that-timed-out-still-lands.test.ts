import { expect, test } from "vitest";
import { RedisRepository } from "../../src/redis.ts";
import { otherMakes, useOtherClients } from "../support/other-redis-clients.ts";
import { connectRedis, redisClient } from "../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { until } from "../support/redis-topologies.ts";
import { setUp } from "../support/set-up.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { textCodec } from "../support/text-codec.ts";

useOtherClients();

let server: RedisServer;
let proxy: TcpProxy;
setUp("test", async (parts) => {
  server = parts.use(await startRedisServer());
  proxy = parts.use(await startTcpProxy(server.port));
});

test("a write that timed out on the wire is reported as unknown, and does land", async () => {
  using redis = redisClient(proxy);
  const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token", timeout: 150 });
  await until(() => redis.status === "ready");
  await repository.set("k", "old");
  proxy.stall();
  await expect(repository.set("k", "new")).rejects.toMatchObject({ code: "ERR_STORAGE_TIMEOUT", effect: "unknown" });
  proxy.flow();
  await until(async () => (await repository.get("k")) === "new");
});

test("so it is with Valkey GLIDE, which gives up by itself", async () => {
  const [, glide] = otherMakes;
  await using one = await glide?.connect(proxy);
  if (one === undefined) throw new Error("GLIDE is one of the makes");
  const repository = new RedisRepository<string>(textCodec, one.client, { prefix: "token" });
  await repository.set("k", "old");
  proxy.stall();
  await expect(repository.set("k", "new")).rejects.toMatchObject({ code: "ERR_STORAGE_TIMEOUT", effect: "unknown" });
  proxy.flow();
  await until(async () => (await repository.get("k")) === "new");
});

test("a take that timed out is reported as unknown and is not tried again", async () => {
  using redis = redisClient(proxy);
  using elsewhere = await connectRedis(server);
  const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token", timeout: 150 });
  await repository.set("k", "v");
  await elsewhere.config("RESETSTAT");
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, ...others) => {
    if (command.name === "eval") proxy.withholdReplies();
    return send(command, ...others);
  };
  await expect(repository.take("k")).rejects.toMatchObject({ code: "ERR_STORAGE_TIMEOUT", effect: "unknown" });
  proxy.flow();
  expect(await repository.get("k")).toBeUndefined();
  expect(await elsewhere.info("commandstats")).toContain("cmdstat_eval:calls=1,");
});

test("a write that was never sent is reported so, and never lands", async () => {
  proxy.stall();
  using redis = redisClient(proxy);
  using elsewhere = await connectRedis(server);
  const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token", timeout: 150 });
  await expect(repository.set("k", "v")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
  proxy.flow();
  await until(() => redis.status === "ready");
  expect(await repository.get("k")).toBeUndefined();
  expect(await elsewhere.info("commandstats")).not.toContain("cmdstat_set:");
});
