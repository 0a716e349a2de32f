import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { RedisPubSubInvalidation, RedisRepository, RedisTrackingInvalidation } from "../../../src/redis.ts";
import { CachedRepository } from "../../../src/storage/cached/cached-repository.ts";
import { sha256Name } from "../../../src/storage/cached/invalidation.ts";
import { type OtherTestClient, otherMakes, useOtherClients } from "../../support/other-redis-clients.ts";
import { RecordingSubscriber } from "../../support/recording-subscriber.ts";
import { connectRedis } from "../../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { type RedisClusterServers, startRedisCluster, until } from "../../support/redis-topologies.ts";
import { setUp } from "../../support/set-up.ts";
import { textCodec } from "../../support/text-codec.ts";

const heartbeat = 300;
const name = sha256Name("k");

useOtherClients();

let servers: RedisClusterServers;
setUp("file", async (parts) => {
  servers = parts.use(await startRedisCluster());
});

describe.each(otherMakes)("pub/sub with $name", ({ connect, connectCluster }) => {
  let server: RedisServer;
  let one: OtherTestClient;
  let there: RedisPubSubInvalidation;
  /** Another instance, with a client of ioredis. */
  let here: RedisPubSubInvalidation;
  let hears: RecordingSubscriber;
  setUp("test", async (parts) => {
    server = parts.use(await startRedisServer());
    one = parts.use(await connect(server));
    const elsewhere = parts.use(await connectRedis(server));
    there = parts.use(new RedisPubSubInvalidation(one.client, { heartbeat }));
    here = parts.use(new RedisPubSubInvalidation(elsewhere, { heartbeat }));
    hears = new RecordingSubscriber();
  });

  test("a change is heard in both directions, between clients of two makes", async () => {
    const hearsHere = new RecordingSubscriber();
    const { publish } = here.subscribe(hearsHere);
    const { publish: publishThere } = there.subscribe(hears);
    await hearsHere.is("up");
    await hears.is("up");
    await publish(name);
    await hears.hears(name);
    await publishThere(sha256Name("other"));
    await hearsHere.hears(sha256Name("other"));
  });

  test("goes down when the listening connection is lost, and hears again once it is up", async () => {
    const { publish } = here.subscribe(new RecordingSubscriber());
    there.subscribe(hears);
    await hears.is("up");
    using killer = await connectRedis(server);
    for (let round = 0; round < 2; round++) {
      hears.clear();
      await killer.call("CLIENT", "KILL", "TYPE", "pubsub");
      await until(() => hears.connections.includes("down"));
      await hears.is("up");
      await until(() =>
        publish(sha256Name(`after ${round}`)).then(
          () => true,
          () => false,
        ),
      );
      await hears.hears(sha256Name(`after ${round}`));
    }
  });

  test("goes down with the server and comes back with it", async () => {
    there.subscribe(hears);
    await hears.is("up");
    await server.kill();
    await hears.is("down");
    await server.restart();
    await hears.is("up");
  });

  test("closing says down and closes its own connection only", async () => {
    there.subscribe(hears);
    await hears.is("up");
    await there[Symbol.asyncDispose]();
    await hears.is("down");
    expect(await one.works()).toBe(true);
    using elsewhere = await connectRedis(server);
    await until(async () => !String(await elsewhere.call("CLIENT", "LIST", "TYPE", "pubsub")).includes("id="));
  });

  test("on a Cluster a message reaches it", async () => {
    await using cluster = await connectCluster(servers.nodes);
    await using first = new RedisPubSubInvalidation(cluster.client, { heartbeat });
    await using second = new RedisPubSubInvalidation(cluster.client, { heartbeat });
    const { publish } = first.subscribe(new RecordingSubscriber());
    second.subscribe(hears);
    await hears.is("up");
    for (let round = 0; round < 5; round++) await publish(sha256Name(`k${round}`));
    for (let round = 0; round < 5; round++) await hears.hears(sha256Name(`k${round}`));

    // Whichever node it listens at: what was missed there is not passed over.
    hears.clear();
    for (const node of servers.nodes) {
      using killer = await connectRedis(node);
      await killer.call("CLIENT", "KILL", "TYPE", "pubsub");
    }
    await until(() => hears.connections.includes("down"));
    await hears.is("up");
    await publish(name);
    await hears.hears(name);
  });
});

describe.each(otherMakes.filter((make) => make.name === "node-redis"))(
  "tracking with $name",
  ({ connect, connectCluster }) => {
    test("reports what others change, an expiry and a flush, and not the repository's own changes", async () => {
      await using server = await startRedisServer();
      await using one = await connect(server);
      using elsewhere = await connectRedis(server);
      await using tracking = new RedisTrackingInvalidation(one.client, { heartbeat });
      const repository = new RedisRepository<string>(textCodec, one.client, { prefix: "token" });
      const hears = new RecordingSubscriber();
      tracking.forRepository(repository).subscribe(hears);
      await hears.is("up");
      await repository.set("own", "1");
      await elsewhere.set("tokens:other", "1");
      await elsewhere.set("token:a,b:é", "1");
      await hears.hears("a,b:é");
      expect(hears.heard).toEqual(["a,b:é"]);
      await elsewhere.flushall();
      await hears.hears("all");
    });

    test("goes down when either connection is killed, comes back and reports again", async () => {
      await using server = await startRedisServer();
      await using one = await connect(server);
      using elsewhere: Redis & Disposable = await connectRedis(server);
      await using tracking = new RedisTrackingInvalidation(one.client, { heartbeat });
      const hears = new RecordingSubscriber();
      tracking.forPrefix("token").subscribe(hears);
      await hears.is("up");
      for (const type of ["pubsub", "normal", "pubsub"]) {
        hears.clear();
        await elsewhere.call("CLIENT", "KILL", "TYPE", type, "SKIPME", "yes");
        await until(() => hears.connections.includes("down"));
        await hears.is("up");
        await elsewhere.set("token:after", "1");
        await hears.hears("after");
      }
    });

    test("a copy in memory ends with a change elsewhere, on a Cluster too", async () => {
      await using cluster = await connectCluster(servers.nodes);
      await using other = await connectCluster(servers.nodes);
      await using tracking = new RedisTrackingInvalidation(cluster.client, { heartbeat });
      const backend = new RedisRepository<string>(textCodec, cluster.client, { prefix: "token" });
      const elsewhere = new RedisRepository<string>(textCodec, other.client, { prefix: "token" });
      const invalidation = tracking.forRepository(backend);
      const hears = new RecordingSubscriber();
      invalidation.subscribe(hears);
      const cache = new CachedRepository(backend, { max: 100, maxStaleness: 3_600_000, invalidation });
      await hears.is("up");
      const keys = Array.from({ length: 12 }, (_, index) => `k${index}`);
      await Promise.all(keys.map((key) => elsewhere.set(key, "alive")));
      await Promise.all(keys.map((key) => cache.get(key)));
      await Promise.all(keys.map((key) => elsewhere.delete(key)));
      for (const key of keys) await until(async () => (await cache.get(key)) === undefined);
    });
  },
);
