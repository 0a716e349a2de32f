import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import {
  CachedRepository,
  cacheRepositories,
  createInMemoryRepositories,
  InMemoryInvalidationChannel,
} from "../../src/index.ts";
import { createRedisRepositories, RedisPubSubInvalidation, RedisTrackingInvalidation } from "../../src/redis.ts";
import { connectCluster, connectRedis } from "../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../support/redis-server.ts";
import { startRedisCluster, until } from "../support/redis-topologies.ts";
import { setUp } from "../support/set-up.ts";

const token = { clientId: "c", scopes: ["read"] };
const client = { client_id: "c", redirect_uris: ["https://app.example/callback"] };
const maxStaleness = 600_000;

let server: RedisServer;
let redis: Redis;
setUp("file", async (parts) => {
  server = parts.use(await startRedisServer());
  redis = parts.use(await connectRedis(server));
});

/** Reads until the answer comes from memory: then the channel is up. */
async function cachedAs<V>(read: () => Promise<V>, observer: Redis): Promise<void> {
  await until(async () => {
    await read();
    await observer.config("RESETSTAT");
    await read();
    return !/cmdstat_m?get:/.test(await observer.info("commandstats"));
  });
}

describe.each(["pangea", "another-server", "a-client"])("in the namespace %s", (namespace) => {
  test("tracking hears of each kind, without anybody naming a prefix", async () => {
    await redis.flushall();
    using elsewhere = await connectRedis(server);
    await using tracking = new RedisTrackingInvalidation(redis);
    await using cached = cacheRepositories(createRedisRepositories(redis, { namespace }), {
      maxStaleness,
      invalidation: tracking,
    });
    const other = createRedisRepositories(elsewhere, { namespace });
    await other.accessTokens.set("k", token);
    await other.clients.set("k", client);
    await cachedAs(() => cached.accessTokens.get("k"), elsewhere);
    await cachedAs(() => cached.clients.get("k"), elsewhere);
    await other.accessTokens.delete("k");
    await other.clients.delete("k");
    await until(async () => (await cached.accessTokens.get("k")) === undefined);
    await until(async () => (await cached.clients.get("k")) === undefined);
  });
});

test("one pub/sub channel serves all kinds of a store that does not report its changes", async () => {
  const store = createInMemoryRepositories();
  using elsewhere = await connectRedis(server);
  await using here = new RedisPubSubInvalidation(redis);
  await using there = new RedisPubSubInvalidation(elsewhere);
  await using one = cacheRepositories(store, { maxStaleness, invalidation: here });
  await using other = cacheRepositories(store, { maxStaleness, invalidation: there });
  await store.clients.set("k", client);
  await store.accessTokens.set("k", token);
  // While the channels come up nothing is cached; each round leaves a copy where they are up.
  await until(async () => {
    await one.clients.set("k", client);
    await other.clients.get("k");
    await other.accessTokens.get("k");
    await one.clients.delete("k");
    return true;
  });
  await until(async () => (await other.clients.get("k")) === undefined);
  await one.accessTokens.delete("k");
  await until(async () => (await other.accessTokens.get("k")) === undefined);
});

describe("what disagrees is refused", () => {
  const refused = expect.objectContaining({ code: "ERR_CONFIGURATION" });

  const cases: readonly [what: string, build: (tracking: RedisTrackingInvalidation, other: Redis) => unknown][] = [
    [
      "the prefix of another namespace",
      (tracking) => {
        const { grants } = createRedisRepositories(redis, { namespace: "mine" });
        return new CachedRepository(grants, {
          max: 10,
          maxStaleness,
          invalidation: tracking.forPrefix("pangea-grant"),
        });
      },
    ],
    [
      "the prefix of another kind",
      (tracking) => {
        const invalidation = { grants: tracking.forPrefix("pangea-client") };
        return cacheRepositories(createRedisRepositories(redis), { maxStaleness, invalidation });
      },
    ],
    [
      "one prefix for all kinds",
      (tracking) =>
        cacheRepositories(createRedisRepositories(redis), {
          maxStaleness,
          invalidation: tracking.forPrefix("pangea-grant"),
        }),
    ],
    [
      "a namespace for a prefix",
      (tracking) => {
        const invalidation = { grants: tracking.forPrefix("pangea") };
        return cacheRepositories(createRedisRepositories(redis), { maxStaleness, invalidation });
      },
    ],
    [
      "tracking in front of another store",
      (tracking) => cacheRepositories(createInMemoryRepositories(), { maxStaleness, invalidation: tracking }),
    ],
    [
      "tracking of another client",
      (tracking, other) => cacheRepositories(createRedisRepositories(other), { maxStaleness, invalidation: tracking }),
    ],
    [
      "a prefix at another client",
      (tracking, other) => {
        const { grants } = createRedisRepositories(other);
        return new CachedRepository(grants, { max: 10, maxStaleness, invalidation: tracking.forPrefix(grants.prefix) });
      },
    ],
  ];

  test.each(cases)("%s", async (_, build) => {
    using other = await connectRedis(server);
    await using tracking = new RedisTrackingInvalidation(redis);
    expect(() => build(tracking, other)).toThrow(refused);
  });
});

test("what agrees is not: a prefix of the repository's own, and a cache of anything else behind a prefix", async () => {
  await using tracking = new RedisTrackingInvalidation(redis);
  const { grants } = createRedisRepositories(redis, { namespace: "mine" });
  for (const [backend, invalidation] of [
    [grants, tracking.forPrefix("mine-grant")],
    [grants, tracking.forRepository(grants)],
    [createInMemoryRepositories().grants, tracking.forPrefix("mine-grant")],
    [grants, new InMemoryInvalidationChannel()],
  ] as const) {
    await new CachedRepository(backend, { max: 10, maxStaleness, invalidation })[Symbol.asyncDispose]();
  }
});

test("a Cluster client's repositories are tracked by themselves too", async () => {
  await using servers = await startRedisCluster();
  using cluster = await connectCluster(servers.nodes);
  using elsewhere = await connectCluster(servers.nodes);
  await using tracking = new RedisTrackingInvalidation(cluster);
  await using cached = cacheRepositories(createRedisRepositories(cluster), { maxStaleness, invalidation: tracking });
  const other = createRedisRepositories(elsewhere);
  for (const key of ["a", "b", "c"]) {
    await other.accessTokens.set(key, token);
    await until(async () => {
      const [first, second] = [await cached.accessTokens.get(key), await cached.accessTokens.get(key)];
      // The same object: it came from memory.
      return first !== undefined && first === second;
    });
    await other.accessTokens.delete(key);
    await until(async () => (await cached.accessTokens.get(key)) === undefined);
  }
});
