import type { Redis } from "ioredis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { RedisPubSubInvalidation } from "../../../src/redis.ts";
import { sha256Name } from "../../../src/storage/cached/invalidation.ts";
import { RecordingSubscriber } from "../../support/recording-subscriber.ts";
import { connectCluster, connectRedis } from "../../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { startRedisCluster, until } from "../../support/redis-topologies.ts";

const name = sha256Name("k");

describe("pub/sub between two instances", () => {
  let server: RedisServer;
  let clients: Redis[];
  let here: RedisPubSubInvalidation;
  let there: RedisPubSubInvalidation;
  let hearsHere: RecordingSubscriber;
  let hearsThere: RecordingSubscriber;

  beforeEach(async () => {
    server = await startRedisServer();
    clients = [await connectRedis(server), await connectRedis(server)];
    const [first, second] = clients;
    if (first === undefined || second === undefined) throw new Error("two clients");
    here = new RedisPubSubInvalidation(first, { prefix: "token", heartbeat: 1_000, timeout: 1_000 });
    there = new RedisPubSubInvalidation(second, { prefix: "token", heartbeat: 1_000 });
    hearsHere = new RecordingSubscriber();
    hearsThere = new RecordingSubscriber();
  });
  afterEach(async () => {
    await here[Symbol.asyncDispose]();
    await there[Symbol.asyncDispose]();
    for (const client of clients) client.disconnect();
    await server[Symbol.asyncDispose]();
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
    const listener = await connectRedis(server);
    const messages: string[] = [];
    listener.on("message", (_, message: string) => messages.push(message));
    await listener.subscribe("pangea-invalidate:token");
    clients.push(listener);
    const { publish } = here.subscribe(hearsHere);
    there.subscribe(hearsThere);
    await hearsThere.is("up");
    await clients[0]?.publish("pangea-invalidate:token", "not a message");
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
    await clients[0]?.call("CLIENT", "KILL", "TYPE", "pubsub");
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
    expect(await clients[0]?.ping()).toBe("PONG");
    await until(async () => !String(await clients[0]?.call("CLIENT", "LIST", "TYPE", "pubsub")).includes("id="));
  });
});

test("on a Cluster a message reaches a listener at any node", async () => {
  await using servers = await startRedisCluster();
  const cluster = await connectCluster(servers.nodes);
  const other = await connectCluster([...servers.nodes].reverse());
  const here = new RedisPubSubInvalidation(cluster, { prefix: "token" });
  const there = new RedisPubSubInvalidation(other, { prefix: "token" });
  const subscriber = new RecordingSubscriber();
  try {
    const { publish } = here.subscribe(new RecordingSubscriber());
    there.subscribe(subscriber);
    await subscriber.is("up");
    for (let round = 0; round < 10; round++) await publish(sha256Name(`k${round}`));
    for (let round = 0; round < 10; round++) await subscriber.hears(sha256Name(`k${round}`));
  } finally {
    await here[Symbol.asyncDispose]();
    await there[Symbol.asyncDispose]();
    cluster.disconnect();
    other.disconnect();
  }
});
