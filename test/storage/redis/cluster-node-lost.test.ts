import { describe, expect, test } from "vitest";
import { RedisRepository } from "../../../src/redis.ts";
import { clusterKeySlot } from "../../../src/storage/redis/cluster-key-slot.ts";
import { connectCluster } from "../../support/redis-clients.ts";
import { type RedisClusterServers, startRedisCluster } from "../../support/redis-topologies.ts";
import { setUp } from "../../support/set-up.ts";
import { textCodec } from "../../support/text-codec.ts";

/** Milliseconds. */
const timeout = 300;
const tolerance = 700;

let servers: RedisClusterServers;
setUp("file", async (parts) => {
  servers = parts.use(await startRedisCluster());
});

/** Keys by the index of the node that serves them. */
function keysByNode(prefix: string): string[][] {
  const keys: string[][] = servers.nodes.map(() => []);
  for (let index = 0; index < 60; index++) {
    const node = Math.floor((clusterKeySlot(`${prefix}:k${index}`) * servers.nodes.length) / 16_384);
    keys[node]?.push(`k${index}`);
  }
  return keys;
}

describe("a node of a Cluster that is lost", () => {
  test("fails its own keys within their deadline and leaves the others alone; they come back with it", async () => {
    using cluster = await connectCluster(servers.nodes);
    const records = new RedisRepository<string>(textCodec, cluster, { prefix: "lost", timeout });
    const [first = [], second = [], lost = []] = keysByNode("lost");
    for (const key of [...first, ...second, ...lost]) await records.set(key, key);

    servers.nodes[2]?.pause();
    const start = performance.now();
    const [alive, dead] = await Promise.all([
      Promise.allSettled([...first, ...second].map((key) => records.get(key))),
      Promise.allSettled(lost.map((key) => records.delete(key))),
    ]);
    expect(performance.now() - start).toBeLessThan(timeout + tolerance);
    for (const result of alive) expect(result.status).toBe("fulfilled");
    for (const result of dead) {
      expect(result).toMatchObject({ reason: { code: "ERR_STORAGE_TIMEOUT", effect: "unknown" } });
    }

    servers.nodes[2]?.resume();
    for (const key of lost) await records.set(key, key);
    expect(await Promise.all(lost.map((key) => records.get(key)))).toEqual(lost);

    await servers.nodes[2]?.kill();
    await expect
      .poll(() => Promise.allSettled(lost.map((key) => records.get(key))), { timeout: 5_000 })
      .toSatisfy((results: PromiseSettledResult<unknown>[]) => results.every(({ status }) => status === "rejected"));
    await servers.nodes[2]?.restart();
    await expect
      .poll(
        () =>
          records.set(lost[0] ?? "", "again").then(
            () => records.get(lost[0] ?? ""),
            () => "still down",
          ),
        {
          timeout: 20_000,
        },
      )
      .toBe("again");
  });
});
