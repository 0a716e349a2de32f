import { Cluster } from "ioredis";
import { expect, test } from "vitest";
import { clusterOptions, RedisRepository } from "../../src/redis.ts";
import { connectCluster } from "../support/redis-clients.ts";
import { type RedisClusterServers, startRedisCluster } from "../support/redis-topologies.ts";
import { setUp } from "../support/set-up.ts";
import { textCodec } from "../support/text-codec.ts";

let servers: RedisClusterServers;
let cluster: Cluster;
setUp("file", async (parts) => {
  servers = parts.use(await startRedisCluster());
  cluster = parts.use(await connectCluster(servers.nodes));
});

test("gets of one turn whose keys are in different slots are not one MGET", async () => {
  await expect(cluster.mget("token:a", "token:b")).rejects.toThrow("CROSSSLOT");
  const repository = new RedisRepository<string>(textCodec, cluster, { prefix: "token" });
  const keys = Array.from({ length: 200 }, (_, index) => `k${index}`);
  await Promise.all(keys.map((key) => repository.set(key, key)));
  expect(await Promise.all(keys.map((key) => repository.get(key)))).toEqual(keys);
});

test("automatic pipelining, in which a moved slot fails its neighbours, is refused", () => {
  const pipelining = new Cluster([{ host: "127.0.0.1", port: 1 }], {
    ...clusterOptions(),
    enableAutoPipelining: true,
    lazyConnect: true,
  });
  expect(() => new RedisRepository(textCodec, pipelining, { prefix: "token" })).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION" }),
  );
  pipelining.disconnect();
});

test("reads whose slots the client looks for at the wrong node all get their answers", async () => {
  using astray = await connectCluster(servers.nodes);
  const repository = new RedisRepository<string>(textCodec, astray, { prefix: "astray" });
  const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);
  await Promise.all(keys.map((key) => repository.set(key, key)));
  // Every slot is looked for at one node, so two thirds of the reads are answered with MOVED.
  const [anyNode = []] = astray.slots;
  astray.slots.fill(anyNode);
  expect(await Promise.all(keys.map((key) => repository.get(key)))).toEqual(keys);
});
