import { createClient, createClientPool, createCluster } from "redis";
import { describe, expect, test } from "vitest";
import { nodeRedisClusterOptions, nodeRedisOptions } from "../../../src/redis.ts";
import { GlideCluster, GlideConnection } from "../../../src/storage/redis/glide/glide-connection.ts";
import { NodeRedisCluster } from "../../../src/storage/redis/node-redis/node-redis-cluster.ts";
import { NodeRedisConnection } from "../../../src/storage/redis/node-redis/node-redis-connection.ts";
import { listenablePort, repositoryPort, trackablePort } from "../../../src/storage/redis/redis-port.ts";
import { readyConnection } from "../../support/scripted-connection.ts";
import { ScriptedRedis } from "../../support/scripted-redis.ts";

const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });

/** Programs in JavaScript give whatever they have. */
const ports: Record<string, (client: never) => object> = {
  repository: repositoryPort,
  listenable: listenablePort,
  trackable: trackablePort,
};
const portOf = (kind: string, client: unknown): object => {
  const port = ports[kind];
  if (port === undefined) throw new Error("There is no such port.");
  return Reflect.apply(port, undefined, [client]);
};

const rootNodes = [{ url: "redis://127.0.0.1:1" }];
/** A client of GLIDE with what is asked of it before it is used. */
const glide = (members: object = {}) => ({
  customCommand: async () => null,
  close: () => undefined,
  subscribe: async () => undefined,
  config: {},
  ...members,
});

describe("a client of ioredis is given back as it is", () => {
  test.each<[string, object]>([
    ["repository", new ScriptedRedis()],
    ["listenable", readyConnection()],
    ["trackable", readyConnection()],
  ])("as a %s port", (kind, client) => {
    expect(portOf(kind, client)).toBe(client);
  });

  test.each([
    ["repository", ["get", "set", "del", "on"], new ScriptedRedis()],
    ["listenable", ["publish", "duplicate", "on"], readyConnection()],
    ["trackable", ["duplicate", "on"], readyConnection()],
  ])("and refused as a %s port without one of %j", (kind, methods, client) => {
    for (const method of methods) {
      expect(() => portOf(kind, Object.create(client, { [method]: { value: undefined } }))).toThrow(refusal);
    }
  });

  test("whatever else it has", () => {
    const client = Object.assign(new ScriptedRedis(), glide(), { isOpen: true, sendCommand: () => undefined });
    expect(portOf("repository", client)).toBe(client);
  });

  test("and refused where it sends commands again", () => {
    expect(() => portOf("repository", Object.assign(new ScriptedRedis(), { options: {} }))).toThrow(refusal);
  });
});

describe("a client of another make is given its form", () => {
  const makes: [string, () => object, new (...parts: never[]) => object][] = [
    ["node-redis", () => createClient(nodeRedisOptions()), NodeRedisConnection],
    ["node-redis on a Cluster", () => createCluster({ rootNodes, ...nodeRedisClusterOptions() }), NodeRedisCluster],
    ["GLIDE", () => glide(), GlideConnection],
    ["GLIDE on a Cluster", () => glide({ invokeScriptWithRoute: () => undefined }), GlideCluster],
  ];
  test.each(makes)("%s", (make, client, Port) => {
    for (const kind of ["repository", "listenable"]) expect(portOf(kind, client())).toBeInstanceOf(Port);
    if (make.startsWith("GLIDE")) expect(() => portOf("trackable", client())).toThrow(refusal);
    else expect(portOf("trackable", client())).toBeInstanceOf(Port);
  });

  test.each<[string, () => object]>([
    ["node-redis with its defaults", () => createClient()],
    ["GLIDE that reads from replicas", () => glide({ config: { readFrom: "preferReplica" } })],
  ])("but for one of %s, which keeps no records", (_, client) => {
    expect(() => portOf("repository", client())).toThrow(refusal);
    expect(() => portOf("listenable", client())).not.toThrow();
  });

  test.each<[string, object]>([
    ["cannot subscribe", { subscribe: undefined }],
    ["does not show how it was made", { config: undefined }],
  ])("but for one of GLIDE that %s, which is not listened at", (_, members) => {
    expect(() => portOf("listenable", glide(members))).toThrow(refusal);
    expect(portOf("repository", glide(members))).toBeInstanceOf(GlideConnection);
  });

  test("but for a pool, whatever it is for", () => {
    for (const kind of Object.keys(ports))
      expect(() => portOf(kind, createClientPool(nodeRedisOptions()))).toThrow(refusal);
  });
});

test.each([null, undefined, "redis://127.0.0.1", {}, { isOpen: true }, { customCommand: () => null }])(
  "%j is no client",
  (client) => {
    for (const kind of Object.keys(ports)) expect(() => portOf(kind, client)).toThrow(refusal);
  },
);
