import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { RedisRepository, RedisTrackingInvalidation } from "../../../src/redis.ts";
import { RecordingSubscriber } from "../../support/recording-subscriber.ts";
import { connectCluster, connectRedis, redisClient } from "../../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { startRedisCluster, startRedisReplication, until } from "../../support/redis-topologies.ts";
import { setUp } from "../../support/set-up.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";
import { textCodec } from "../../support/text-codec.ts";

describe("tracking on one server", () => {
  let server: RedisServer;
  let redis: Redis;
  /** Another instance's client. */
  let elsewhere: Redis;
  let tracking: RedisTrackingInvalidation;
  let subscriber: RecordingSubscriber;

  setUp("test", async (parts) => {
    server = parts.use(await startRedisServer());
    redis = parts.use(await connectRedis(server));
    elsewhere = parts.use(await connectRedis(server));
    tracking = parts.use(new RedisTrackingInvalidation(redis, { heartbeat: 1_000 }));
    subscriber = new RecordingSubscriber();
    tracking.forPrefix("token").subscribe(subscriber);
    await subscriber.is("up");
  });

  async function clientIds(type: "normal" | "pubsub"): Promise<string[]> {
    const list = String(await elsewhere.call("CLIENT", "LIST", "TYPE", type));
    return [...list.matchAll(/^id=(\d+)/gm)].map(([, id = ""]) => id);
  }

  test("reports what another client writes and deletes, under the records' keys", async () => {
    await elsewhere.set("token:a:b", "1");
    await elsewhere.set("token:é", "1");
    await elsewhere.del("token:a:b");
    await subscriber.hears("é");
    await until(() => subscriber.heard.filter((name) => name === "a:b").length === 2);
  });

  test("reports an expiry", async () => {
    await elsewhere.set("token:short", "1", "PX", 1);
    await until(() => subscriber.heard.filter((name) => name === "short").length === 2);
  });

  test("reports a flush as everything", async () => {
    await elsewhere.flushall();
    await subscriber.hears("all");
  });

  test("leaves out the repository's own changes, and other prefixes", async () => {
    const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token" });
    await repository.set("own", "1");
    await elsewhere.set("tokens:other", "1");
    await elsewhere.set("token:last", "1");
    await subscriber.hears("last");
    expect(subscriber.heard).toEqual(["last"]);
  });

  test("tells the other caches on the same client of a change", async () => {
    const other = new RecordingSubscriber();
    const { publish } = tracking.forPrefix("token").subscribe(other);
    await publish("own");
    expect(subscriber.heard).toEqual(["own"]);
    expect(other.heard).toEqual([]);
  });

  test("takes on another prefix later", async () => {
    const other = new RecordingSubscriber();
    tracking.forPrefix("grant").subscribe(other);
    await other.is("up");
    await subscriber.is("up");
    await elsewhere.set("grant:g", "1");
    await elsewhere.set("token:t", "1");
    await other.hears("g");
    await subscriber.hears("t");
    expect(other.heard).toEqual(["g"]);
  });

  test("a part that has ended hears nothing more", async () => {
    const other = new RecordingSubscriber();
    const part = tracking.forPrefix("token").subscribe(other);
    await other.is("up");
    await part[Symbol.asyncDispose]();
    await elsewhere.set("token:a", "1");
    await subscriber.hears("a");
    expect(other.heard).toEqual([]);
  });

  test("goes down and comes back when the subscriber's connection is killed, and reports again", async () => {
    for (let round = 0; round < 3; round++) {
      subscriber.clear();
      for (const id of await clientIds("pubsub")) await elsewhere.call("CLIENT", "KILL", "ID", id);
      await until(() => subscriber.connections.includes("down"));
      await subscriber.is("up");
      await elsewhere.set(`token:after${round}`, "1");
      await subscriber.hears(`after${round}`);
    }
  });

  test("goes down and comes back when the data connection is killed, and reports again", async () => {
    for (let round = 0; round < 3; round++) {
      subscriber.clear();
      await elsewhere.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await until(() => subscriber.connections.includes("down"));
      await subscriber.is("up");
      await elsewhere.set(`token:after${round}`, "1");
      await subscriber.hears(`after${round}`);
    }
  });

  test("goes down with the server and comes back with it", async () => {
    subscriber.clear();
    await server.kill();
    await subscriber.is("down");
    await server.restart();
    await subscriber.is("up");
    await expect.poll(() => elsewhere.set("token:after", "1").catch(() => "down"), { timeout: 10_000 }).toBe("OK");
    await subscriber.hears("after");
  });

  test("finds out when tracking was turned off behind its back", async () => {
    subscriber.clear();
    await redis.client("TRACKING", "OFF");
    await until(() => subscriber.connections.includes("down"));
    await subscriber.is("up");
    await elsewhere.set("token:after", "1");
    await subscriber.hears("after");
  });

  test("when closed says down, ends the tracking, closes its own connection and no other", async () => {
    await tracking[Symbol.asyncDispose]();
    await subscriber.is("down");
    expect(await redis.client("GETREDIR")).toBe(-1);
    await until(async () => (await clientIds("pubsub")).length === 0);
  });
});

test("a connection that dies without a word is found out within two heartbeats", async () => {
  await using server = await startRedisServer();
  await using proxy = await startTcpProxy(server.port);
  const redis = redisClient(proxy);
  const tracking = new RedisTrackingInvalidation(redis, { heartbeat: 100 });
  const subscriber = new RecordingSubscriber();
  try {
    tracking.forPrefix("token").subscribe(subscriber);
    await subscriber.is("up");
    proxy.stall();
    const stalled = performance.now();
    await subscriber.is("down");
    expect(performance.now() - stalled).toBeLessThan(1_000);
  } finally {
    proxy.flow();
    await tracking[Symbol.asyncDispose]();
    redis.disconnect();
  }
});

test("on a Cluster, every node reports its changes, and the loss of one is told", async () => {
  await using servers = await startRedisCluster();
  using cluster = await connectCluster(servers.nodes);
  using elsewhere = await connectCluster(servers.nodes);
  await using tracking = new RedisTrackingInvalidation(cluster, { heartbeat: 1_000 });
  const subscriber = new RecordingSubscriber();
  tracking.forPrefix("token").subscribe(subscriber);
  await subscriber.is("up");
  const keys = Array.from({ length: 30 }, (_, index) => `k${index}`);
  for (const key of keys) await elsewhere.set(`token:${key}`, "1");
  for (const key of keys) await subscriber.hears(key);

  subscriber.clear();
  await servers.nodes[1]?.kill();
  await until(() => subscriber.connections.includes("down"));
});

test("after a failover it tracks at the new primary only", async () => {
  await using replication = await startRedisReplication();
  await using proxy = await startTcpProxy(replication.primary.port);
  using redis = redisClient(proxy);
  await using tracking = new RedisTrackingInvalidation(redis, { heartbeat: 1_000 });
  const subscriber = new RecordingSubscriber();
  using newPrimary = await connectRedis(replication.replica);
  tracking.forPrefix("token").subscribe(subscriber);
  await subscriber.is("up");
  await replication.failOver();
  // The name leads to the new primary now; only the data connection has noticed yet.
  proxy.redirect(replication.replica.port);
  subscriber.clear();
  redis.disconnect(true);
  await until(() => subscriber.connections.includes("down"));
  await subscriber.is("up");
  await newPrimary.set("token:after", "1");
  await subscriber.hears("after");
});

test.each([0, -1, Number.NaN])("a heartbeat of %s ms is refused", async (heartbeat) => {
  const redis = redisClient({ port: 1 });
  redis.disconnect();
  expect(() => new RedisTrackingInvalidation(redis, { heartbeat })).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION" }),
  );
});
