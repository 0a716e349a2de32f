import { expect, test } from "vitest";
import { requireNoEviction } from "../../../src/storage/redis/eviction-policy.ts";
import { SharedClient } from "../../../src/storage/redis/shared-client.ts";
import { ScriptedCluster, ScriptedNode, ScriptedRedis } from "../../support/scripted-redis.ts";

const info = (policy: string) => `# Memory\r\nused_memory:1\r\nmaxmemory_policy:${policy}\r\nmem_allocator:libc\r\n`;
const check = (redis: ScriptedRedis) => requireNoEviction(new SharedClient(redis));
const refusal = { code: "ERR_CONFIGURATION" };

test.each([
  [info("noeviction"), true],
  [info("allkeys-lru"), false],
  [info("noeviction2"), false],
  ["used_maxmemory_policy:noeviction", false],
  ["", false],
])("a server that says %j may keep records: %s", async (memory, isFit) => {
  const redis = new ScriptedNode();
  redis.memory = memory;
  if (isFit) await check(redis);
  else await expect(check(redis)).rejects.toMatchObject(refusal);
});

test.each([
  ["has no way to ask", new ScriptedRedis()],
  ["has something else of the name", Object.assign(new ScriptedRedis(), { info: "memory" })],
])("a client that %s is refused", async (_, redis) => {
  await expect(check(redis)).rejects.toMatchObject(refusal);
});

test("a server that does not answer is an outage, and a question has no effect", async () => {
  const redis = Object.assign(new ScriptedNode(), { info: () => Promise.reject(new Error("Connection is closed.")) });
  await expect(check(redis)).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
});

test("every node of a Cluster is asked", async () => {
  const cluster = new ScriptedCluster(2);
  for (const node of cluster.masters) node.memory = info("noeviction");
  await check(cluster);
  for (const node of cluster.masters) {
    node.memory = info("allkeys-lru");
    await expect(check(cluster)).rejects.toMatchObject(refusal);
    node.memory = info("noeviction");
  }
});
