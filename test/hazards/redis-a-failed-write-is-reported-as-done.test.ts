import { expect, test } from "vitest";
import { RedisRepository } from "../../src/redis.ts";
import { connectRedis } from "../support/redis-clients.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { startRedisReplication } from "../support/redis-topologies.ts";
import { textCodec } from "../support/text-codec.ts";

test("a delete that a demoted primary refuses is an error, and the record is still there", async () => {
  await using replication = await startRedisReplication();
  using redis = await connectRedis(replication.primary);
  using newPrimary = await connectRedis(replication.replica);
  const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token" });
  await repository.set("k", "v");
  await replication.failOver();
  await expect(repository.delete("k")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
  expect(await newPrimary.get("token:k")).toBe("v");
});

test("a write that Redis cannot save is an error", async () => {
  await using server = await startRedisServer(["--min-replicas-to-write", "1"]);
  using redis = await connectRedis(server);
  const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token" });
  await expect(repository.set("k", "v")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
  expect(await repository.get("k")).toBeUndefined();
});
