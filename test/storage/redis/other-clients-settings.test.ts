import { createClient, createClientPool, createCluster, createSentinel } from "redis";
import { afterEach, describe, expect, test } from "vitest";
import {
  createRedisRepositories,
  type GlideLike,
  glideOptions,
  nodeRedisClusterOptions,
  nodeRedisOptions,
  type OtherRedisClient,
  RedisPubSubInvalidation,
  RedisRepository,
  RedisTrackingInvalidation,
} from "../../../src/redis.ts";
import { glide, otherMakes, useOtherClients } from "../../support/other-redis-clients.ts";
import { connectRedis } from "../../support/redis-clients.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { type RedisClusterServers, startRedisCluster, startRedisReplication } from "../../support/redis-topologies.ts";
import { setUp } from "../../support/set-up.ts";
import { textCodec } from "../../support/text-codec.ts";

const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });
const rootNodes = [{ url: "redis://127.0.0.1:1" }];
const waitForReplicas = { replicas: 1, timeoutMilliseconds: 100 };

useOtherClients();

function repositoryOn(client: object): RedisRepository<string> {
  // A program in JavaScript gives whatever it has.
  return new RedisRepository(textCodec, client as OtherRedisClient, { prefix: "token" });
}

describe("a client of node-redis is refused", () => {
  const { defaults, ...others } = nodeRedisClusterOptions();
  test.each([
    ["the defaults, which keep commands and send them later", () => createClient()],
    ["reading from a replica", () => createClient({ ...nodeRedisOptions(), readonly: true })],
    ["a key prefix of its own", () => createClient({ ...nodeRedisOptions(), keyPrefix: "x:" })],
    ["the Cluster defaults", () => createCluster({ rootNodes })],
    [
      "Cluster nodes that keep commands",
      () => createCluster({ rootNodes, ...others, defaults: { ...defaults, disableOfflineQueue: false } }),
    ],
    [
      "a Cluster client that reads from replicas",
      () => createCluster({ rootNodes, ...nodeRedisClusterOptions(), useReplicas: true }),
    ],
    [
      "a Cluster client that connects later",
      () => createCluster({ rootNodes, ...nodeRedisClusterOptions(), minimizeConnections: true }),
    ],
    [
      "a Cluster client with a key prefix",
      () => createCluster({ rootNodes, ...nodeRedisClusterOptions(), keyPrefix: "x:" }),
    ],
    ["a client behind Sentinels, which sends again", () => createSentinel({ name: "primary", sentinelRootNodes: [] })],
    ["a pool", () => createClientPool(nodeRedisOptions())],
  ])("for %s", (_, client) => {
    expect(() => repositoryOn(client())).toThrow(refusal);
  });
});

test("a client of node-redis with the recommended settings is taken", () => {
  expect(() => repositoryOn(createClient(nodeRedisOptions()))).not.toThrow();
  expect(() => repositoryOn(createCluster({ rootNodes, ...nodeRedisClusterOptions() }))).not.toThrow();
});

test("a client of node-redis that is not connected is waited for, and then the call is refused without effect", async () => {
  const client = createClient(nodeRedisOptions());
  await using repository = new RedisRepository<string>(textCodec, client, { prefix: "token", timeout: 50 });
  await expect(repository.set("k", "v")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
});

describe("a client of Valkey GLIDE", () => {
  const clients: GlideLike[] = [];
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });

  async function lazyClient(settings: object): Promise<GlideLike> {
    const addresses = [{ host: "127.0.0.1", port: 1 }];
    const client = await glide().GlideClient.createClient({
      addresses,
      lazyConnect: true,
      ...glideOptions(),
      ...settings,
    });
    clients.push(client);
    return client;
  }

  test.each([
    ["reading from replicas", { readFrom: "preferReplica" }],
    ["copies that nobody tells of a change", { clientSideCache: { maxCacheKb: 1, entryTtlMs: 0, cacheId: "x" } }],
    ["compressed records", { compression: { enabled: true } }],
  ])("is refused for %s", async (_, settings) => {
    const client = Object.assign(await lazyClient({}), { config: settings });
    expect(() => repositoryOn(client)).toThrow(refusal);
  });

  test("is taken with the recommended settings, and refused where it offers less", async () => {
    const client = await lazyClient({});
    expect(() => repositoryOn(client)).not.toThrow();
    expect(() => new RedisTrackingInvalidation(client)).toThrow(refusal);
    expect(() => createRedisRepositories(client, { waitForReplicas })).toThrow(refusal);
  });

  test("is refused as a listener where it cannot subscribe later on", async () => {
    const client = Object.create(await lazyClient({}), { subscribe: { value: undefined } });
    expect(() => new RedisPubSubInvalidation(client)).toThrow(refusal);
  });
});

test.each([{}, { customCommand: () => undefined }, { isOpen: true }, null, "redis://127.0.0.1"])(
  "%j is no client",
  (client) => {
    for (const build of [
      () => repositoryOn(client as object),
      () => new RedisPubSubInvalidation(client as unknown as OtherRedisClient),
      () => new RedisTrackingInvalidation(client as unknown as OtherRedisClient),
    ]) {
      expect(build).toThrow(refusal);
    }
  },
);

let servers: RedisClusterServers;
setUp("file", async (parts) => {
  servers = parts.use(await startRedisCluster());
});

describe.each(otherMakes)("$name", ({ name, connect, connectCluster }) => {
  test("finds a Redis that evicts, and tells of its settings", async () => {
    await using server = await startRedisServer(["--maxmemory-policy", "allkeys-lru"]);
    await using one = await connect(server);
    await using repositories = createRedisRepositories(one.client);
    await expect(repositories.check()).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
    expect(await repositories.grants.diagnose()).toMatchObject([
      // GLIDE's settings do not say which database is meant.
      ...(name === "node-redis" ? [{ check: "store-database", status: "ok" }] : []),
      { check: "store-eviction", status: "error" },
      { check: "store-persistence", status: "warning" },
      { check: "store-clock", status: "ok" },
    ]);
  });

  test("asks every master of a Cluster", async () => {
    await using one = await connectCluster(servers.nodes);
    await using repositories = createRedisRepositories(one.client);
    await repositories.check();
    using last = await connectRedis({ port: servers.nodes[2]?.port ?? 0 });
    await last.config("SET", "maxmemory-policy", "allkeys-lru");
    await expect(repositories.check()).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
    await last.config("SET", "maxmemory-policy", "noeviction");
  });
});

test("node-redis confirms a write by its replica, and tells where none does", async () => {
  await using replication = await startRedisReplication();
  const client = createClient({ url: replication.primary.url, ...nodeRedisOptions() });
  client.on("error", () => undefined);
  await client.connect();
  await using repository = new RedisRepository<string>(textCodec, client, {
    prefix: "k",
    timeout: 10_000,
    waitForReplicas: { replicas: 1, timeoutMilliseconds: 1_000 },
  });
  await repository.set("a", "v");
  replication.replica.pause();
  await expect(repository.set("b", "v")).rejects.toMatchObject({ effect: "unknown", replicas: 0 });
  replication.replica.resume();
  client.destroy();
});
