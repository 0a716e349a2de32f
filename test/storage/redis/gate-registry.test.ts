import { beforeEach, describe, expect, test } from "vitest";
import { type SampleRecord, sampleIndexes, sampleSchema } from "../../../src/conformance.ts";
import { RedisRepository } from "../../../src/redis.ts";
import { clusterKeySlot } from "../../../src/storage/redis/cluster-key-slot.ts";
import { CommandSender } from "../../../src/storage/redis/command-sender.ts";
import { errorReply } from "../../support/scripted-connection.ts";
import { ScriptedCluster, type ScriptedNode } from "../../support/scripted-redis.ts";

/** A key that the first of two nodes serves, and one that the second does. */
const keys = Array.from({ length: 50 }, (_, index) => `k${index}`);
const keyOfFirst = keys.find((key) => clusterKeySlot(key) < 8_192) ?? "";
const keyOfSecond = keys.find((key) => clusterKeySlot(key) >= 8_192) ?? "";

let cluster: ScriptedCluster;
let sender: CommandSender;
beforeEach(() => {
  cluster = new ScriptedCluster(2);
  sender = new CommandSender(cluster, 60_000);
});

const take = (key: string, node?: ScriptedNode) =>
  sender
    .send({ operation: "take", redisKeys: [key], ...(node && { node }), send: () => cluster.getdel(key) })
    .catch((failure: unknown) => failure);
const connecting = (index: number): void => {
  const node = cluster.masters[index];
  if (node) node.status = "connecting";
};

describe("on a Cluster whose second node is being connected", () => {
  beforeEach(() => {
    connecting(1);
  });

  test("a command for a key of the first is sent, and one for a key of the second waits for it", () => {
    void take(keyOfFirst);
    void take(keyOfSecond);
    expect(cluster.written).toEqual([`GETDEL ${keyOfFirst}`]);
    cluster.masters[1]?.become("ready");
    expect(cluster.written).toEqual([`GETDEL ${keyOfFirst}`, `GETDEL ${keyOfSecond}`]);
  });

  test("the commands that wait are refused together when that connection fails", async () => {
    const waiting = [take(keyOfSecond), take(keyOfSecond)];
    expect(cluster.masters[1]?.listenerCount("ready")).toBe(1);
    cluster.masters[1]?.become("close");
    for (const outcome of await Promise.all(waiting)) {
      expect(outcome).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    }
    expect(cluster.written).toEqual([]);
  });

  test("a command that is for a node waits for that node, whatever its key", () => {
    void take(keyOfFirst, cluster.masters[1]);
    void take(keyOfSecond, cluster.masters[0]);
    expect(cluster.written).toEqual([`GETDEL ${keyOfSecond}`]);
  });

  test("a command without a key waits for no node", () => {
    void sender.send({ operation: "publish", redisKeys: [], send: () => cluster.get("none") });
    expect(cluster.written).toEqual(["GET none"]);
  });

  test("a command for a slot that nobody serves is left to the client", () => {
    cluster.slots[clusterKeySlot(keyOfSecond)] = undefined;
    void take(keyOfSecond);
    expect(cluster.written).toEqual([`GETDEL ${keyOfSecond}`]);
  });

  test("a command waits for the client first and then for the node", () => {
    cluster.status = "connecting";
    void take(keyOfSecond);
    cluster.masters[1]?.become("ready");
    expect(cluster.written).toEqual([]);
    connecting(1);
    cluster.become("ready");
    expect(cluster.written).toEqual([]);
    cluster.masters[1]?.become("ready");
    expect(cluster.written).toEqual([`GETDEL ${keyOfSecond}`]);
  });
});

test("a command waits on where its node is no longer ready when it says so", () => {
  connecting(1);
  void take(keyOfSecond);
  cluster.masters[1]?.emit("ready");
  expect(cluster.written).toEqual([]);
  cluster.masters[1]?.become("ready");
  expect(cluster.written).toEqual([`GETDEL ${keyOfSecond}`]);
});

test("a command waits where every node is being connected", () => {
  for (const index of [0, 1]) connecting(index);
  void take(keyOfFirst);
  expect(cluster.written).toEqual([]);
  cluster.masters[0]?.become("ready");
  expect(cluster.written).toEqual([`GETDEL ${keyOfFirst}`]);
});

test("a command whose node comes while the client is lost waits for the client: it is not kept there to be sent late", () => {
  connecting(1);
  void take(keyOfSecond);
  cluster.status = "reconnecting";
  cluster.masters[1]?.become("ready");
  expect(cluster.written).toEqual([]);
  cluster.become("ready");
  expect(cluster.written).toEqual([`GETDEL ${keyOfSecond}`]);
});

test("a demoted primary of a Cluster is not left: the client follows the slots", async () => {
  const outcome = take(keyOfFirst);
  cluster.commands[0]?.fail(errorReply("READONLY You can't write against a replica."));
  expect(await outcome).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
  expect(cluster.disconnects).toEqual([]);
});

describe("while the node of a key is being connected", () => {
  type SampleRepository = RedisRepository<SampleRecord>;
  const record: SampleRecord = { name: "ada", list: [] };
  const turnIsOver = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  function scene() {
    const one = new ScriptedCluster(1);
    const [node] = one.masters;
    if (node === undefined) throw new Error("There is one.");
    return { one, node, repository: new RedisRepository(sampleSchema, one, { prefix: "p", indexes: sampleIndexes }) };
  }

  test.each<[string, (repository: SampleRepository) => Promise<unknown>]>([
    ["get", (repository) => repository.get("k")],
    ["set", (repository) => repository.set("k", record)],
    ["set of what has expired", (repository) => repository.set("k", { ...record, expiresAt: 1 })],
    ["add", (repository) => repository.add("k", record)],
    ["delete", (repository) => repository.delete("k")],
    ["take", (repository) => repository.take("k")],
    ["search by an index", (repository) => repository.entriesBy("name", "ada").next()],
  ])("nothing of a %s is sent", async (_, call) => {
    const { one, node, repository } = scene();
    node.status = "connecting";
    const settled = call(repository).catch((failure: unknown) => failure);
    await turnIsOver();
    expect(one.written).toEqual([]);
    node.become("ready");
    await turnIsOver();
    expect(one.written).not.toEqual([]);
    for (const command of one.commands) command.fail(new Error("Connection is closed."));
    expect(await settled).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
  });

  test("nothing is removed from the index", async () => {
    const { one, node, repository } = scene();
    const search = repository.entriesBy("name", "ada").next();
    const [complete, gap, schemes] = ["none", null, ["0", []]];
    const replies = [complete, gap, schemes, ["0", ["1:k", "+inf"]], null];
    for (const [index, reply] of replies.entries()) {
      while (one.commands.length <= index) await turnIsOver();
      if (index === replies.length - 1) node.status = "connecting";
      one.commands[index]?.answer(reply);
    }
    await turnIsOver();
    expect(one.commands).toHaveLength(replies.length);
    node.become("ready");
    await turnIsOver();
    expect(one.written.at(-1)).toMatch(/^EVAL p#name\./);
    one.commands.at(-1)?.answer(1);
    expect(await search).toMatchObject({ done: true });
  });
});
