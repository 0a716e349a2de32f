import { beforeEach, describe, expect, test } from "vitest";
import { KeySpace } from "../../../src/storage/key-space.ts";
import { CommandSender } from "../../../src/storage/redis/command-sender.ts";
import type { RedisLike } from "../../../src/storage/redis/redis-like.ts";
import { scanRecordKeys } from "../../../src/storage/redis/scan-record-keys.ts";
import { ScriptedCluster, ScriptedNode, ScriptedRedis } from "../../support/scripted-redis.ts";

/** The pages of keys that a listing gives. */
async function pagesOf(redis: RedisLike): Promise<string[][]> {
  const pages: string[][] = [];
  const keys = new KeySpace("token");
  for await (const page of scanRecordKeys(redis, new CommandSender(redis, 60_000), keys)) pages.push(page);
  return pages;
}

describe("the keys of one server", () => {
  test("come page by page, each once, and none of another repository", async () => {
    const node = new ScriptedNode();
    node.pages.push(["17", ["token:a", "token:b"]], ["5", []], ["0", ["token:b", "tokens:x", "token:c", "token:c"]]);
    expect(await pagesOf(node)).toEqual([["a", "b"], [], ["c"]]);
    expect(node.cursors).toEqual(["0", "17", "5"]);
  });

  test("are asked for by the pattern of the repository, some hundred at once", async () => {
    const asked: unknown[][] = [];
    const node = Object.assign(new ScriptedNode(), {
      scan: async (...command: unknown[]): Promise<[string, string[]]> => {
        asked.push(command);
        return ["0", []];
      },
    });
    expect(await pagesOf(node)).toEqual([[]]);
    expect(asked).toEqual([["0", "MATCH", "token:*", "COUNT", 500]]);
  });

  test("are an outage where the server does not answer, and the question has no effect", async () => {
    const node = Object.assign(new ScriptedNode(), { scan: () => Promise.reject(new Error("Connection is closed.")) });
    await expect(pagesOf(node)).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
  });

  test.each([
    ["has no SCAN", new ScriptedRedis()],
    ["has something else of the name", Object.assign(new ScriptedRedis(), { scan: "0" })],
  ])("are not to be had of a client that %s", async (_, redis) => {
    await expect(pagesOf(redis)).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
  });
});

describe("the keys of a Cluster", () => {
  let cluster: ScriptedCluster;
  beforeEach(() => {
    cluster = new ScriptedCluster(3);
    for (const [index, node] of cluster.masters.entries()) node.pages.push(["0", [`token:${index}`, "token:moved"]]);
  });
  const incomplete = { code: "ERR_STORAGE_UNAVAILABLE", effect: "none" };

  test("are those of every master, and a key that moves meanwhile comes once", async () => {
    expect(await pagesOf(cluster)).toEqual([["0", "moved"], ["1"], ["2"]]);
  });

  test.each([
    ["no node", 0],
    ["one node of three", 1],
    ["two nodes of three", 2],
  ])("are an outage where the client knows %s", async (_, known) => {
    cluster.nodes = () => cluster.masters.slice(0, known);
    await expect(pagesOf(cluster)).rejects.toMatchObject(incomplete);
  });

  test("are an outage where the client knows neither a node nor who serves the slots", async () => {
    cluster.nodes = () => [];
    cluster.slots.fill(undefined);
    await expect(pagesOf(cluster)).rejects.toMatchObject(incomplete);
  });

  test("are there where nobody serves some slots: those have none", async () => {
    cluster.slots[0] = undefined;
    cluster.slots[1] = [];
    expect(await pagesOf(cluster)).toHaveLength(3);
  });

  test("are those of the masters of the slots: their replicas are not asked for", async () => {
    for (const [slot, names] of cluster.slots.entries()) cluster.slots[slot] = [...(names ?? []), `replica:${slot}`];
    expect(await pagesOf(cluster)).toHaveLength(3);
  });

  test("are those of the masters that the client finds, where it has to ask for them", async () => {
    const [first] = cluster.masters;
    if (first === undefined) throw new Error("There are three.");
    expect(await pagesOf(Object.assign(cluster, { findMasters: async () => [first] }))).toEqual([["0", "moved"]]);
  });
});
