import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { describe, expect, test, vi } from "vitest";
import { sha256Name } from "../../../src/index.ts";
import {
  RedisPubSubInvalidation,
  RedisRepository,
  RedisTrackingInvalidation,
  redisOptions,
} from "../../../src/redis.ts";
import { RecordingSubscriber } from "../../support/recording-subscriber.ts";
import { connectRedis } from "../../support/redis-clients.ts";
import { knowsReplica, orderFailover, switchOver } from "../../support/redis-switchover.ts";
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
      await knowsReplica(sentinel.port);
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

describe("a switchover under load", () => {
  test("that an operator orders ends the writes to the old primary at once", { timeout: 90_000 }, async () => {
    const { acknowledged, lost, outage } = await switchOver({ how: "ordered", loadAfter: 4_000 });
    // Without failoverDetector the old primary takes writes for ten seconds more, and forgets them.
    expect(outage).toBeLessThan(8_000);
    expect(acknowledged).toBeGreaterThan(1_000);
    expect(lost).toBeLessThan(acknowledged / 4);
  });

  test.each(["ordered", "killed"] as const)(
    "that is %s loses nothing that a replica has confirmed, and brings nothing back",
    { timeout: 90_000 },
    async (how) => {
      const waitForReplicas = { replicas: 1, timeoutMilliseconds: 300 };
      const outcome = await switchOver({ how, waitForReplicas, loadAfter: 4_000 });
      expect(outcome).toMatchObject({ lost: 0, undone: 0 });
      expect(outcome.acknowledged + outcome.failed.unknown).toBeGreaterThan(100);
    },
  );

  test("leads the invalidation to the new primary too, by tracking and by pub/sub", { timeout: 90_000 }, async () => {
    await using replication = await startRedisReplication();
    await using sentinel = await startSentinel(replication.primary);
    const sentinels = [{ host: "127.0.0.1", port: sentinel.port }];
    const redis = new Redis({ sentinels, name: "primary", ...redisOptions() });
    try {
      await using tracking = new RedisTrackingInvalidation(redis, { heartbeat: 500 });
      await using pubSub = new RedisPubSubInvalidation(redis, { prefix: "token", heartbeat: 500 });
      const [tracked, told] = [new RecordingSubscriber(), new RecordingSubscriber()];
      tracking.forPrefix("token").subscribe(tracked);
      pubSub.subscribe(told);
      await Promise.all([tracked.is("up"), told.is("up")]);
      await knowsReplica(sentinel.port);
      await orderFailover(sentinel.port);
      const start = performance.now();
      await until(() => [tracked, told].every(({ connections }) => connections.includes("down")));
      // Nothing of a copy is served that only the old primary knew of.
      await Promise.all([tracked.is("up"), told.is("up")]);
      expect(performance.now() - start).toBeLessThan(9_000);
      using elsewhere = await connectRedis(replication.replica);
      expect(await elsewhere.info("replication")).toContain("role:master");
      const name = sha256Name("k");
      await elsewhere.set("token:k", "changed");
      await elsewhere.publish("pangea-invalidate:token", `${randomUUID()} ${name}`);
      await until(() => tracked.heard.includes("k") && told.heard.includes(name));
    } finally {
      redis.disconnect();
    }
  });
});

describe("a failover that is announced while the client is connecting", () => {
  /** What the listener to the Sentinels does. */
  function announce(redis: Redis): void {
    const connector: unknown = Reflect.get(redis, "connector");
    if (typeof connector !== "object" || connector === null || !("disconnect" in connector)) throw new Error("none");
    if (typeof connector.disconnect === "function") connector.disconnect();
  }

  test("does not end the client, nor the connection beside it that listens; its owner can", async () => {
    await using replication = await startRedisReplication();
    await using sentinel = await startSentinel(replication.primary);
    const sentinels = [{ host: "127.0.0.1", port: sentinel.port }];
    const redis = new Redis({ sentinels, name: "primary", ...redisOptions() });
    try {
      const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token" });
      await repository.set("k", "v");
      for (const round of [1, 2, 3]) {
        redis.once("connecting", () => announce(redis));
        redis.disconnect(true);
        await until(() => redis.status !== "ready");
        await until(() => redis.status === "ready");
        expect(await repository.get("k"), `round ${round}`).toBe("v");
      }
      const comesBack = vi.fn();
      redis.once("connecting", () => {
        redis.on("connecting", comesBack);
        redis.disconnect();
      });
      const ended = new Promise((resolve) => redis.once("end", resolve));
      redis.disconnect(true);
      await ended;
      // What brings a client back does so right after its end, by its timer for the next attempt, or with the next command.
      await new Promise((resolve) => setImmediate(resolve));
      expect(Reflect.get(redis, "reconnectTimeout") ?? undefined).toBeUndefined();
      await expect(repository.get("k")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
      expect(comesBack).not.toHaveBeenCalled();
      expect(redis.status).toBe("end");
    } finally {
      redis.disconnect();
    }
  });
});

test("a Sentinel client that does not listen to its Sentinels is refused", () => {
  const sentinels = [{ host: "127.0.0.1", port: 1 }];
  const settings = { sentinels, name: "primary", ...redisOptions(), lazyConnect: true };
  const build = (failoverDetector: boolean) => () =>
    new RedisRepository(textCodec, new Redis({ ...settings, failoverDetector }), { prefix: "token" });
  expect(build(false)).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  expect(build(true)).not.toThrow();
});

async function storedAtReplica(port: number): Promise<string | null> {
  using replica = await connectRedis({ port });
  return await replica.get("token:k");
}
