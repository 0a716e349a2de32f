import { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { RedisRepository, redisOptions } from "../../../src/redis.ts";
import { connectRedis } from "../../support/redis-clients.ts";
import { startRedisReplication, startSentinel, until } from "../../support/redis-topologies.ts";
import { textCodec } from "../../support/text-codec.ts";

describe("a primary that was demoted", () => {
  test("refuses writes, which have no effect, and the client leaves its connection", async () => {
    await using replication = await startRedisReplication();
    using redis = await connectRedis(replication.primary);
    const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token" });
    await repository.set("k", "v");
    await replication.failOver();
    let connectionsLost = 0;
    redis.on("close", () => {
      connectionsLost++;
    });
    await expect(repository.take("k")).rejects.toMatchObject({
      code: "ERR_STORAGE_UNAVAILABLE",
      effect: "none",
    });
    await until(() => connectionsLost > 0);
  });
});

describe("behind Sentinels", () => {
  test("a killed primary is replaced by its replica, with the same client", async () => {
    await using replication = await startRedisReplication();
    await using sentinel = await startSentinel(replication.primary);
    const redis = new Redis({
      sentinels: [{ host: "127.0.0.1", port: sentinel.port }],
      name: "primary",
      ...redisOptions({ connectTimeout: 500 }),
    });
    redis.on("error", () => undefined);
    try {
      const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token", timeout: 500 });
      await repository.set("k", "v");
      await until(async () => (await storedAtReplica(replication.replica.port)) === "v");
      await sentinelKnowsReplica(sentinel.port);
      await replication.primary.kill();
      await expect
        .poll(
          () =>
            repository.set("after", "w").then(
              () => "written",
              () => "not yet",
            ),
          { timeout: 25_000, interval: 100 },
        )
        .toBe("written");
      expect(await repository.get("k")).toBe("v");
      expect(await repository.take("after")).toBe("w");
    } finally {
      redis.disconnect();
    }
  });
});

async function storedAtReplica(port: number): Promise<string | null> {
  using replica = await connectRedis({ port });
  return await replica.get("token:k");
}

async function sentinelKnowsReplica(port: number): Promise<void> {
  using client = await connectRedis({ port });
  await until(async () => {
    const replicas = await client.call("SENTINEL", "REPLICAS", "primary");
    return Array.isArray(replicas) && replicas.length > 0;
  });
}
