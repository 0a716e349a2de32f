import type { Cluster } from "ioredis";
import { describe, expect, test } from "vitest";
import { RedisRepository } from "../../../src/redis.ts";
import { clusterKeySlot } from "../../../src/storage/redis/cluster-key-slot.ts";
import { connectCluster } from "../../support/redis-clients.ts";
import { type RedisClusterServers, startRedisCluster } from "../../support/redis-topologies.ts";
import { setUp } from "../../support/set-up.ts";
import { textCodec } from "../../support/text-codec.ts";

let servers: RedisClusterServers;
let cluster: Cluster;
setUp("file", async (parts) => {
  servers = parts.use(await startRedisCluster());
  cluster = parts.use(await connectCluster(servers.nodes));
});

function repository(prefix: string): RedisRepository<string> {
  return new RedisRepository(textCodec, cluster, { prefix });
}

async function commandCount(name: string): Promise<number> {
  const stats = await Promise.all(cluster.nodes("master").map((node) => node.info("commandstats")));
  return stats
    .map((text) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(text)?.[1] ?? 0))
    .reduce((sum, calls) => sum + calls, 0);
}

describe("on a Cluster", () => {
  test("records are spread over the nodes, and read and taken from where they are", async () => {
    const records = repository("spread");
    const keys = Array.from({ length: 300 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key) => records.set(key, `value of ${key}`)));
    const sizes = await Promise.all(cluster.nodes("master").map((node) => node.dbsize()));
    for (const size of sizes) expect(size).toBeGreaterThan(50);
    expect(await Promise.all(keys.map((key) => records.get(key)))).toEqual(keys.map((key) => `value of ${key}`));
    expect(await Promise.all(keys.map((key) => records.take(key)))).toEqual(keys.map((key) => `value of ${key}`));
    expect(await Promise.all(keys.map((key) => records.get(key)))).toEqual(keys.map(() => undefined));
  });

  test("gets of one turn are one command for each slot", async () => {
    const records = repository("slots");
    const before = await commandCount("mget");
    await Promise.all(["{a}1", "{a}2", "{b}1", "{a}3", "{b}2"].map((key) => records.get(key)));
    expect((await commandCount("mget")) - before).toBe(2);
  });

  test("the first calls after a start wait for the nodes' connections", async () => {
    using fresh = await connectCluster(servers.nodes);
    const records = new RedisRepository<string>(textCodec, fresh, { prefix: "fresh" });
    const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key) => records.set(key, key)));
    expect(await Promise.all(keys.map((key) => records.get(key)))).toEqual(keys);
  });

  test("a slot that moves while reads are under way is followed", async () => {
    const records = repository("moving");
    const keys = Array.from({ length: 40 }, (_, index) => `{moving}${index}`);
    await Promise.all(keys.map((key) => records.set(key, key)));
    const slot = clusterKeySlot("moving:{moving}0");
    const [from, to] = await movingParties(slot);

    await to.call("CLUSTER", "SETSLOT", slot, "IMPORTING", await nodeId(from));
    await from.call("CLUSTER", "SETSLOT", slot, "MIGRATING", await nodeId(to));
    for (const key of keys) {
      await from.call("MIGRATE", "127.0.0.1", Number(to.options.port), `moving:${key}`, 0, 5_000);
    }
    // The keys are at the new node now, the client believes they are at the old one.
    expect(await records.get("{moving}1")).toBe("{moving}1");
    const target = await nodeId(to);
    await Promise.all(cluster.nodes("master").map((node) => node.call("CLUSTER", "SETSLOT", slot, "NODE", target)));

    expect(await Promise.all(keys.map((key) => records.get(key)))).toEqual(keys);
    expect(await Promise.all(keys.map((key) => records.take(key)))).toEqual(keys);
  });
});

async function movingParties(slot: number) {
  const masters = cluster.nodes("master");
  const address = cluster.slots[slot]?.[0];
  const from = masters.find((node) => `${node.options.host}:${node.options.port}` === address);
  const to = masters.find((node) => node !== from);
  if (from === undefined || to === undefined) throw new Error("a Cluster of three has two nodes");
  return [from, to] as const;
}

async function nodeId(node: { call(...args: [string, string]): Promise<unknown> }): Promise<string> {
  return String(await node.call("CLUSTER", "MYID"));
}
