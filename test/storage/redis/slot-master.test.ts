import { beforeEach, describe, expect, test } from "vitest";
import { clusterKeySlot } from "../../../src/storage/redis/cluster-key-slot.ts";
import { CommandSender } from "../../../src/storage/redis/command-sender.ts";
import { foundMasters, masterOfKey, serversOf } from "../../../src/storage/redis/slot-master.ts";
import { ScriptedCluster, ScriptedNode, ScriptedRedis } from "../../support/scripted-redis.ts";

let cluster: ScriptedCluster;
beforeEach(() => {
  cluster = new ScriptedCluster(3);
});

const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);

describe("the master that serves a key", () => {
  test("is that of the key's slot, by its address", () => {
    for (const key of keys) {
      const index = Math.floor((clusterKeySlot(key) * 3) / 16_384);
      expect(masterOfKey(cluster, key)).toBe(cluster.masters[index]);
    }
  });

  test.each([
    ["its slot has no node", undefined],
    ["its slot has an empty list of nodes", []],
    ["the client knows no node of the address", ["127.0.0.1:9999", "127.0.0.1:7000"]],
    ["another host has the port", ["127.0.0.2:7000"]],
  ])("is not known where %s", (_, names) => {
    for (const key of keys) {
      cluster.slots[clusterKeySlot(key)] = names;
      expect(masterOfKey(cluster, key)).toBeUndefined();
    }
  });

  test("is what the client says of the slot, where it says so", () => {
    const node = new ScriptedNode();
    const asked: number[] = [];
    const saying = Object.assign(cluster, {
      masterOfSlot: (slot: number) => {
        asked.push(slot);
        return asked.length === 1 ? node : undefined;
      },
    });
    expect([masterOfKey(saying, "a"), masterOfKey(saying, "b")]).toEqual([node, undefined]);
    expect(asked).toEqual([clusterKeySlot("a"), clusterKeySlot("b")]);
  });
});

describe("the servers that are asked of themselves", () => {
  const sender = (redis: ScriptedRedis) => new CommandSender(redis, 60_000);

  test("are the client's one server", async () => {
    const redis = new ScriptedRedis();
    expect(await serversOf(redis, sender(redis))).toEqual([redis]);
  });

  test("are the masters of a Cluster", async () => {
    expect(foundMasters(cluster, sender(cluster))).toBeUndefined();
    expect(await serversOf(cluster, sender(cluster))).toEqual(cluster.masters);
  });

  test("are what the client finds, where it has to ask for them", async () => {
    const found = [new ScriptedNode()];
    const asking = Object.assign(cluster, {
      findMasters(this: unknown) {
        return this === asking ? Promise.resolve(found) : Promise.reject(new Error("Who is asked?"));
      },
    });
    // The question waits for no node that is being connected.
    for (const node of cluster.masters) node.status = "connecting";
    expect(await serversOf(asking, sender(asking))).toBe(found);
    expect(await foundMasters(asking, sender(asking))).toBe(found);
  });

  test("that cannot be found are an outage, and the question has no effect", async () => {
    const asking = Object.assign(cluster, { findMasters: () => Promise.reject(new Error("Connection is closed.")) });
    await expect(serversOf(asking, sender(asking))).rejects.toMatchObject({
      code: "ERR_STORAGE_UNAVAILABLE",
      effect: "none",
    });
  });
});
