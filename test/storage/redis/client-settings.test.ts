import { Cluster, Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { clusterOptions, RedisRepository, redisOptions } from "../../../src/redis.ts";
import { ScriptedCluster, ScriptedRedis } from "../../support/scripted-redis.ts";
import { textCodec } from "../../support/text-codec.ts";

const clients: (Redis | Cluster)[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

function repositoryOn<Client extends Redis | Cluster>(client: Client): RedisRepository<string> {
  clients.push(client);
  return new RedisRepository(textCodec, client, { prefix: "token" });
}

const nodes = [{ host: "127.0.0.1", port: 7000 }];
const lazy = { lazyConnect: true } as const;
const sentinels = [{ host: "127.0.0.1", port: 26379 }];

describe("a client is refused", () => {
  test.each([
    ["the defaults of ioredis, which send commands again", () => new Redis(lazy)],
    ["a resend after one retry", () => new Redis({ ...lazy, maxRetriesPerRequest: 1 })],
    ["a key prefix of its own", () => new Redis({ ...redisOptions(), ...lazy, keyPrefix: "x:" })],
    ["reading from a replica", () => new Redis({ ...redisOptions(), ...lazy, readOnly: true })],
    [
      "a replica from the Sentinels",
      () => new Redis({ ...redisOptions(), ...lazy, sentinels, name: "primary", role: "slave" }),
    ],
    [
      "Sentinels that it does not listen to",
      () => new Redis({ ...redisOptions(), ...lazy, sentinels, name: "primary", failoverDetector: false }),
    ],
    ["numbers that are texts", () => new Redis({ ...redisOptions(), ...lazy, stringNumbers: true })],
    ["a database that is a word", () => new Redis("redis://127.0.0.1/abc", { ...redisOptions(), ...lazy })],
    ["a database that is no number", () => new Redis({ ...redisOptions(), ...lazy, db: Number.NaN })],
    ["a database below 0", () => new Redis({ ...redisOptions(), ...lazy, db: -1 })],
    [
      "a Cluster client whose numbers are texts",
      () => new Cluster(nodes, { ...clusterOptions(), ...lazy, redisOptions: { stringNumbers: true } }),
    ],
    ["the Cluster defaults of ioredis", () => new Cluster(nodes, lazy)],
    [
      "a Cluster client that reads from replicas",
      () => new Cluster(nodes, { ...clusterOptions(), ...lazy, scaleReads: "slave" }),
    ],
    [
      "automatic pipelining on a Cluster",
      () => new Cluster(nodes, { ...clusterOptions(), ...lazy, enableAutoPipelining: true }),
    ],
    ["a Cluster client with a key prefix", () => new Cluster(nodes, { ...clusterOptions(), ...lazy, keyPrefix: "x:" })],
    [
      "a Cluster client whose nodes have a key prefix",
      () => new Cluster(nodes, { ...clusterOptions(), ...lazy, redisOptions: { keyPrefix: "x:" } }),
    ],
    [
      "Cluster nodes that connect again, with the defaults of ioredis",
      () => {
        const { redisOptions: _, ...others } = clusterOptions();
        return new Cluster(nodes, { ...others, ...lazy, clusterNodeRetryStrategy: () => 10 });
      },
    ],
    [
      "Cluster nodes that connect again and send again",
      () => new Cluster(nodes, { ...clusterOptions(), ...lazy, clusterNodeRetryStrategy: () => 10, redisOptions: {} }),
    ],
  ])("for %s", (_, client) => {
    expect(() => repositoryOn(client())).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  });
});

describe("a client is taken", () => {
  test.each([
    ["with the recommended settings", () => new Redis({ ...redisOptions(), ...lazy })],
    ["that fails its commands at every lost connection", () => new Redis({ ...lazy, maxRetriesPerRequest: 0 })],
    ["that does not send again", () => new Redis({ ...lazy, autoResendUnfulfilledCommands: false })],
    [
      "of one server, whatever it does about Sentinels",
      () => new Redis({ ...redisOptions(), ...lazy, failoverDetector: false }),
    ],
    ["behind Sentinels", () => new Redis({ ...redisOptions(), ...lazy, sentinels, name: "primary" })],
    [
      "of a Cluster whose nodes connect again and send nothing again",
      () => new Cluster(nodes, { ...clusterOptions(), ...lazy, clusterNodeRetryStrategy: () => 10 }),
    ],
    ["of a Cluster with the recommended settings", () => new Cluster(nodes, { ...clusterOptions(), ...lazy })],
  ])("%s", (_, client) => {
    expect(() => repositoryOn(client())).not.toThrow();
  });
});

test("a client of another make is refused for a key prefix of its nodes", () => {
  const cluster = new ScriptedCluster(1);
  cluster.options = { ...cluster.options, redisOptions: { keyPrefix: "x:" } };
  expect(() => new RedisRepository(textCodec, cluster, { prefix: "token" })).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION" }),
  );
});

test.each([
  ["one server", new ScriptedRedis()],
  ["a Cluster", new ScriptedCluster(1)],
])("a client of %s that does not show its settings is taken", (_, client) => {
  Reflect.deleteProperty(client, "options");
  expect(() => new RedisRepository(textCodec, client, { prefix: "token" })).not.toThrow();
});

test.each([0, -1, Number.NaN])("a timeout of %s ms is refused", (timeout) => {
  const client = new Redis({ ...redisOptions(), ...lazy });
  clients.push(client);
  expect(() => new RedisRepository(textCodec, client, { prefix: "token", timeout })).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION" }),
  );
});
