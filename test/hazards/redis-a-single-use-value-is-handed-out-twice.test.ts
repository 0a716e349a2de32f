import { expect, test } from "vitest";
import { RedisRepository } from "../../src/redis.ts";
import { raceForKeys } from "../support/race.ts";
import { connectRedis, redisClient } from "../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { until } from "../support/redis-topologies.ts";
import { setUp } from "../support/set-up.ts";
import { startTcpProxy } from "../support/tcp-proxy.ts";
import { textCodec } from "../support/text-codec.ts";

let server: RedisServer;
setUp("file", async (parts) => {
  server = parts.use(await startRedisServer());
});

test("eight processes that race for the same values get each exactly once", async () => {
  using redis = await connectRedis(server);
  const repository = new RedisRepository<string>(textCodec, redis, { prefix: "race" });
  const keys = Array.from({ length: 500 }, (_, index) => `code-${index}`);
  await Promise.all(keys.map((key) => repository.set(key, `value of ${key}`)));
  const result = await raceForKeys({
    worker: new URL("../support/redis-race-worker.ts", import.meta.url),
    arguments: [String(server.port), "race", "take"],
    processes: 8,
    keys: keys.length,
  });
  expect(result).toEqual({ attempts: 8 * keys.length, won: keys.length, wonTwice: 0, errors: 0, lost: 0 });
});

test("a take whose answer was lost is an error, and is not sent again: no second caller gets the value", async () => {
  using redis = await connectRedis(server);
  await using proxy = await startTcpProxy(server.port);
  using throughProxy = redisClient(proxy);
  const near = new RedisRepository<string>(textCodec, redis, { prefix: "code" });
  const far = new RedisRepository<string>(textCodec, throughProxy, { prefix: "code" });
  await near.set("k", "v");
  expect(await far.get("k")).toBe("v");
  const send = throughProxy.sendCommand.bind(throughProxy);
  throughProxy.sendCommand = (command, ...others) => {
    if (command.name === "eval") proxy.withholdReplies();
    return send(command, ...others);
  };
  const lost = far.take("k").catch((error: unknown) => error);
  await until(async () => (await near.get("k")) === undefined);
  await redis.config("RESETSTAT");
  proxy.reset();
  expect(await lost).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown" });
  proxy.flow();
  await until(async () => (await far.get("other").catch(() => "down")) === undefined);
  expect(await redis.info("commandstats")).not.toMatch(/cmdstat_(eval|getdel|del):/);
});
