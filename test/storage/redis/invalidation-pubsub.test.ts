import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { RedisPubSubInvalidation } from "../../../src/redis.ts";
import { sha256Name } from "../../../src/storage/cached/invalidation.ts";
import { RecordingSubscriber } from "../../support/recording-subscriber.ts";
import { connectCluster, connectRedis } from "../../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { startRedisCluster, until } from "../../support/redis-topologies.ts";
import { setUp } from "../../support/set-up.ts";

const name = sha256Name("k");

describe("pub/sub between two instances", () => {
  let server: RedisServer;
  let redis: Redis;
  let here: RedisPubSubInvalidation;
  let there: RedisPubSubInvalidation;
  let hearsHere: RecordingSubscriber;
  let hearsThere: RecordingSubscriber;

  setUp("test", async (parts) => {
    server = parts.use(await startRedisServer());
    redis = parts.use(await connectRedis(server));
    const elsewhere = parts.use(await connectRedis(server));
    here = parts.use(new RedisPubSubInvalidation(redis, { prefix: "token", heartbeat: 1_000, timeout: 1_000 }));
    there = parts.use(new RedisPubSubInvalidation(elsewhere, { prefix: "token", heartbeat: 1_000 }));
    hearsHere = new RecordingSubscriber();
    hearsThere = new RecordingSubscriber();
  });

  test("a change is heard there, and not where it comes from", async () => {
    const { publish } = here.subscribe(hearsHere);
    there.subscribe(hearsThere);
    await hearsHere.is("up");
    await hearsThere.is("up");
    await publish(name);
    await hearsThere.hears(name);
    expect(hearsHere.heard).toEqual([]);
  });

  test("another cache of the same instance hears it at once", async () => {
    const { publish } = here.subscribe(hearsHere);
    here.subscribe(hearsThere);
    await hearsThere.is("up");
    await publish(name);
    expect(hearsThere.heard).toEqual([name]);
  });

  test("no message holds a key, and one that is not of the form is ignored", async () => {
    using listener = await connectRedis(server);
    const messages: string[] = [];
    listener.on("message", (_, message: string) => messages.push(message));
    await listener.subscribe("pangea-invalidate:token");
    const { publish } = here.subscribe(hearsHere);
    there.subscribe(hearsThere);
    await hearsThere.is("up");
    await redis.publish("pangea-invalidate:token", "not a message");
    await publish(sha256Name("a-secret-key"));
    await hearsThere.hears(sha256Name("a-secret-key"));
    expect(messages.join()).not.toContain("a-secret-key");
    expect(hearsThere.heard).toHaveLength(1);
  });

  test("goes down when the listening connection is killed, and hears again once it is up", async () => {
    const { publish } = here.subscribe(hearsHere);
    there.subscribe(hearsThere);
    await hearsThere.is("up");
    hearsThere.clear();
    await redis.call("CLIENT", "KILL", "TYPE", "pubsub");
    await until(() => hearsThere.connections.includes("down"));
    await hearsThere.is("up");
    await publish(name);
    await hearsThere.hears(name);
  });

  test("a message that cannot be handed over is a failure, within its deadline", async () => {
    const { publish } = here.subscribe(hearsHere);
    await hearsHere.is("up");
    server.pause();
    await expect(publish(name)).rejects.toMatchObject({ code: "ERR_STORAGE_TIMEOUT" });
    await hearsHere.is("down");
    server.resume();
    await hearsHere.is("up");
  });

  test("closing says down and closes its own connection only", async () => {
    here.subscribe(hearsHere);
    await hearsHere.is("up");
    await here[Symbol.asyncDispose]();
    await hearsHere.is("down");
    expect(await redis.ping()).toBe("PONG");
    await until(async () => !String(await redis.call("CLIENT", "LIST", "TYPE", "pubsub")).includes("id="));
  });
});

test("on a Cluster a message reaches a listener at any node", async () => {
  await using servers = await startRedisCluster();
  using cluster = await connectCluster(servers.nodes);
  using other = await connectCluster([...servers.nodes].reverse());
  await using here = new RedisPubSubInvalidation(cluster, { prefix: "token" });
  await using there = new RedisPubSubInvalidation(other, { prefix: "token" });
  const subscriber = new RecordingSubscriber();
  const { publish } = here.subscribe(new RecordingSubscriber());
  there.subscribe(subscriber);
  await subscriber.is("up");
  for (let round = 0; round < 10; round++) await publish(sha256Name(`k${round}`));
  for (let round = 0; round < 10; round++) await subscriber.hears(sha256Name(`k${round}`));
});
