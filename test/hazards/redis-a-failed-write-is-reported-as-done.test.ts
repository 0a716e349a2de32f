import { expect, test } from "vitest";
import { RedisRepository } from "../../src/redis.ts";
import { connectRedis } from "../support/redis-clients.ts";
import { startRedisServer } from "../support/redis-server.ts";
import { startRedisReplication } from "../support/redis-topologies.ts";
import { textCodec } from "../support/text-codec.ts";

test("a delete that a demoted primary refuses is an error, and the record is still there", async () => {
  await using replication = await startRedisReplication();
  const redis = await connectRedis(replication.primary);
  const newPrimary = await connectRedis(replication.replica);
  try {
    const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token" });
    await repository.set("k", "v");
    await replication.failOver();
    await expect(repository.delete("k")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    expect(await newPrimary.get("token:k")).toBe("v");
  } finally {
    redis.disconnect();
    newPrimary.disconnect();
  }
});

test("a write that Redis cannot save is an error", async () => {
  await using server = await startRedisServer(["--min-replicas-to-write", "1"]);
  const redis = await connectRedis(server);
  try {
    const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token" });
    await expect(repository.set("k", "v")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    expect(await repository.get("k")).toBeUndefined();
  } finally {
    redis.disconnect();
  }
});
