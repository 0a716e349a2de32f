import { expect, test } from "vitest";
import { AccessTokenSchema } from "../../src/records/access-token.ts";
import { RedisRepository } from "../../src/redis.ts";
import { connectRedis } from "../support/redis-clients.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { until } from "../support/redis-topologies.ts";

const record = (expiresAt: number) => ({ clientId: "c", scopes: [], expiresAt });

test("the moment of expiry is the record's own: no copy and no restart moves it", async () => {
  await using server = await startRedisServer(["--appendonly", "yes", "--appendfsync", "always"]);
  using redis = await connectRedis(server);
  const expiresAt = Math.floor(Date.now() / 1000) + 300;
  const one = new RedisRepository(AccessTokenSchema, redis, { prefix: "one" });
  const other = new RedisRepository(AccessTokenSchema, redis, { prefix: "other" });
  await one.set("k", record(expiresAt));
  const read = await one.get("k");
  if (read === undefined) throw new Error("the record is there");
  await other.set("k", read);
  await server.kill();
  await server.restart();
  await until(() => redis.status === "ready");
  for (const [name, repository] of Object.entries({ one, other })) {
    expect(await repository.get("k")).toMatchObject({ expiresAt });
    const removedAt = await redis.pexpiretime(`${name}:k`);
    expect(removedAt).toBeGreaterThanOrEqual(expiresAt * 1000);
    // Redis is told what is left of the record's life, and counts from when it hears of it.
    expect(removedAt).toBeLessThan(expiresAt * 1000 + 5_000);
  }
});

test("a record is absent from its expiry on, to the millisecond, even where Redis still has it", async () => {
  await using server = await startRedisServer();
  using redis = await connectRedis(server);
  let now = 1_000_000_000_000;
  const repository = new RedisRepository(AccessTokenSchema, redis, { prefix: "token", clock: () => now });
  await repository.set("k", record(1_000_000_060));
  now = 1_000_000_059_999;
  expect(await repository.get("k")).toMatchObject({ clientId: "c" });
  now = 1_000_000_060_000;
  expect(await repository.get("k")).toBeUndefined();
  expect(await redis.exists("token:k")).toBe(1);
});
