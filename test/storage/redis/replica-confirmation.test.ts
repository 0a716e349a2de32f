import { describe, expect, test } from "vitest";
import { z } from "zod";
import { createRedisRepositories, RedisRepository } from "../../../src/redis.ts";
import { RecordingRedis } from "../../support/recording-redis.ts";
import { connectCluster, connectRedis } from "../../support/redis-clients.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { startRedisCluster, startRedisReplication, until } from "../../support/redis-topologies.ts";
import { ScriptedCluster, ScriptedNode, ScriptedRedis } from "../../support/scripted-redis.ts";
import { textCodec } from "../../support/text-codec.ts";

const waitForReplicas = { replicas: 1, timeoutMilliseconds: 200 };

/** A client whose WAITs the test answers. */
class ScriptedPrimary extends ScriptedRedis {
  wait(replicas: number, milliseconds: number): Promise<number> {
    return new Promise<number>((resolve, reject) => {
      const answer = (reply: unknown): void => resolve(Number(reply));
      this.commands.push({ name: `WAIT ${replicas} ${milliseconds}`, keys: [], answer, fail: reject });
    });
  }
}

function scripted() {
  const redis = new ScriptedPrimary();
  const repository = new RedisRepository<string>(textCodec, redis, { prefix: "k", waitForReplicas });
  const answer = async (...replies: readonly [index: number, reply: unknown][]): Promise<void> => {
    for (const [index, reply] of replies) {
      while (redis.commands.length <= index) await new Promise(setImmediate);
      if (reply instanceof Error) redis.commands[index]?.fail(reply);
      else redis.commands[index]?.answer(reply);
    }
  };
  return { redis, repository, answer };
}

const outcome = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    (value) => ({ value }),
    (failure: unknown) => ({ failure }),
  );
const unknown = { code: "ERR_STORAGE_NOT_REPLICATED", effect: "unknown" };
const lost = new Error("Connection is closed.");

describe("command by command", () => {
  type Replies = readonly [index: number, reply: unknown][];
  type Case = readonly [string, (repository: RedisRepository<string>) => Promise<unknown>, string, Replies, object];
  const cases: readonly Case[] = [
    [
      "a set that the replica has",
      (r) => r.set("a", "v"),
      "SET,WAIT 1 200",
      [
        [0, "OK"],
        [1, 1],
      ],
      { value: undefined },
    ],
    [
      "a set that more have",
      (r) => r.set("a", "v"),
      "SET,WAIT 1 200",
      [
        [0, "OK"],
        [1, 2],
      ],
      { value: undefined },
    ],
    [
      "a set that no replica has",
      (r) => r.set("a", "v"),
      "SET,WAIT 1 200",
      [
        [0, "OK"],
        [1, 0],
      ],
      { failure: { ...unknown, replicas: 0 } },
    ],
    [
      "a set whose WAIT is refused",
      (r) => r.set("a", "v"),
      "SET,WAIT 1 200",
      [
        [0, "OK"],
        [1, lost],
      ],
      { failure: { ...unknown, cause: { message: lost.message } } },
    ],
    [
      "a set that fails",
      (r) => r.set("a", "v"),
      "SET,WAIT 1 200",
      [
        [0, lost],
        [1, lost],
      ],
      { failure: { code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown" } },
    ],
    [
      "an add that no replica has",
      (r) => r.add("a", "v"),
      "SET NX,WAIT 1 200",
      [
        [0, "OK"],
        [1, 0],
      ],
      { failure: unknown },
    ],
    [
      "an add that finds a record",
      (r) => r.add("a", "v"),
      "SET NX,WAIT 1 200,GET",
      [
        [0, null],
        [2, "w"],
      ],
      { value: false },
    ],
    [
      "a delete that no replica has",
      (r) => r.delete("a"),
      "GETDEL,WAIT 1 200",
      [
        [0, "v"],
        [1, 0],
      ],
      { failure: unknown },
    ],
    ["a delete of nothing", (r) => r.delete("a"), "GETDEL,WAIT 1 200", [[0, null]], { value: false }],
    [
      "a take that no replica has",
      (r) => r.take("a"),
      "GET,EVAL,WAIT 1 200",
      [
        [0, "v"],
        [1, 1],
        [2, 0],
      ],
      { failure: unknown },
    ],
    [
      "a take that the replica has",
      (r) => r.take("a"),
      "GET,EVAL,WAIT 1 200",
      [
        [0, "v"],
        [1, 1],
        [2, 1],
      ],
      { value: "v" },
    ],
    [
      "a take that another was before",
      (r) => r.take("a"),
      "GET,EVAL,WAIT 1 200,GET",
      [
        [0, "v"],
        [1, 0],
        [2, 0],
        [3, null],
      ],
      { value: undefined },
    ],
    ["a read", (r) => r.get("a"), "GET", [[0, "v"]], { value: "v" }],
  ];
  test.each(cases)("%s", async (_, call, written, replies, expected) => {
    const { redis, repository, answer } = scripted();
    const settled = outcome(call(repository));
    await answer(...replies);
    expect(await settled).toMatchObject(expected);
    expect(redis.commands.map(({ name }) => name).join(",")).toBe(written);
  });

  test("the question goes out right behind the write, and so does the one after it", async () => {
    const { redis, repository, answer } = scripted();
    const first = repository.set("a", "v");
    expect(redis.commands.map(({ name }) => name)).toEqual(["SET", "WAIT 1 200"]);
    await answer([0, "OK"], [1, 1]);
    await first;
    void repository.set("a", "v").catch(() => undefined);
    expect(redis.commands.map(({ name }) => name)).toEqual(["SET", "WAIT 1 200", "SET", "WAIT 1 200"]);
  });

  test("what is written while a question is under way shares the next one, and is not confirmed by the first", async () => {
    const { redis, repository, answer } = scripted();
    const first = outcome(repository.set("a", "v"));
    const later = ["b", "c", "d"].map((key) => outcome(repository.set(key, "v")));
    expect(redis.commands.map(({ name }) => name)).toEqual(["SET", "WAIT 1 200", "SET", "SET", "SET"]);
    await answer([0, "OK"], [2, "OK"], [3, "OK"], [4, "OK"], [1, 1]);
    expect(await first).toEqual({ value: undefined });
    await answer([5, 0]);
    expect(await Promise.all(later)).toMatchObject([{ failure: unknown }, { failure: unknown }, { failure: unknown }]);
    expect(redis.commands).toHaveLength(6);
    const last = outcome(repository.set("e", "v"));
    await answer([6, "OK"], [7, 1]);
    expect(await last).toEqual({ value: undefined });
  });

  test("a connection that was lost since the write confirms nothing, whatever the next one says", async () => {
    const { redis, repository, answer } = scripted();
    const first = outcome(repository.set("a", "v"));
    const second = outcome(repository.set("b", "v"));
    await answer([0, "OK"], [2, "OK"]);
    redis.emit("close");
    await answer([1, lost], [3, 5]);
    expect(await Promise.all([first, second])).toMatchObject([{ failure: unknown }, { failure: unknown }]);
  });

  test("closing the repository leaves nothing behind at the client", async () => {
    const { redis, repository, answer } = scripted();
    const written = repository.set("a", "v");
    await answer([0, "OK"], [1, 1]);
    await written;
    await repository[Symbol.asyncDispose]();
    expect(redis.listenerCount("close")).toBe(0);
  });
});

test.each([
  [{ replicas: 0, timeoutMilliseconds: 100 }],
  [{ replicas: 1.5, timeoutMilliseconds: 100 }],
  [{ replicas: Number.NaN, timeoutMilliseconds: 100 }],
  [{ replicas: 1, timeoutMilliseconds: 0 }],
  [{ replicas: 1, timeoutMilliseconds: Number.POSITIVE_INFINITY }],
  [{ replicas: 1, timeoutMilliseconds: 2_000 }],
])("%j is refused", (wrong) => {
  const redis = new ScriptedPrimary();
  for (const build of [
    () => new RedisRepository(textCodec, redis, { prefix: "k", waitForReplicas: wrong }),
    () => createRedisRepositories(redis, { waitForReplicas: wrong }),
  ]) {
    expect(build).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  }
});

test.each([
  ["without WAIT", new ScriptedRedis()],
  ["with something else of the name", Object.assign(new ScriptedRedis(), { wait: 1 })],
  ["that says that it cannot", Object.assign(new ScriptedPrimary(), { limits: { waitForReplicas: "Take another." } })],
])("a client %s is refused", (_, redis) => {
  const build = () => new RedisRepository(textCodec, redis, { prefix: "k", waitForReplicas });
  expect(build).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
});

test("a client that cannot do something else is taken", () => {
  const redis = Object.assign(new ScriptedPrimary(), { limits: { tracking: "Take another." } });
  expect(() => new RedisRepository(textCodec, redis, { prefix: "k", waitForReplicas })).not.toThrow();
});

describe("on a Cluster, node by node", () => {
  /** A node that says of every write how many replicas have it. */
  class ConfirmingNode extends ScriptedNode {
    confirming = 1;
    async wait(): Promise<number> {
      return this.confirming;
    }
  }
  function clusterOf(...nodes: readonly ScriptedNode[]) {
    const cluster = new ScriptedCluster(nodes.length);
    cluster.nodes = () => [...nodes];
    const repository = new RedisRepository<string>(textCodec, cluster, { prefix: "k", waitForReplicas });
    return { cluster, repository };
  }

  test("the master of the key is the one whose word counts", async () => {
    const [first, second] = [new ConfirmingNode(7_000), new ConfirmingNode(7_001)];
    second.confirming = 0;
    const { cluster, repository } = clusterOf(first, second);
    const writes = Promise.all(Array.from({ length: 20 }, (_, index) => outcome(repository.set(`${index}`, "v"))));
    for (const command of cluster.commands) command.answer("OK");
    const told = await writes;
    expect(told).toContainEqual({ value: undefined });
    expect(told).toContainEqual({ failure: expect.objectContaining({ ...unknown, replicas: 0 }) });
  });

  test.each<[string, (cluster: ScriptedCluster) => void]>([
    ["nobody is known to serve the slot", (cluster) => void cluster.slots.fill(undefined)],
    ["the node has no WAIT", (cluster) => void Object.assign(cluster, { nodes: () => [new ScriptedNode(7_000)] })],
  ])("a write is not confirmed where %s", async (_, happen) => {
    const { cluster, repository } = clusterOf(new ConfirmingNode(7_000));
    happen(cluster);
    const written = outcome(repository.set("a", "v"));
    cluster.commands[0]?.answer("OK");
    expect(await written).toMatchObject({ failure: unknown });
  });

  test("a write whose slot moves meanwhile is not confirmed, and the next one is", async () => {
    const [first, second] = [new ConfirmingNode(7_000), new ConfirmingNode(7_001)];
    const { cluster, repository } = clusterOf(first, second);
    cluster.slots.fill(["127.0.0.1:7000"]);
    const written = outcome(repository.set("a", "v"));
    cluster.slots.fill(["127.0.0.1:7001"]);
    cluster.commands[0]?.answer("OK");
    expect(await written).toMatchObject({ failure: unknown });
    const again = outcome(repository.set("a", "v"));
    cluster.commands[1]?.answer("OK");
    expect(await again).toEqual({ value: undefined });
    await repository[Symbol.asyncDispose]();
    expect([first, second].map((node) => node.listenerCount("close"))).toEqual([0, 0]);
  });

  test("a connection is watched once, however many writes go by it", async () => {
    const node = new ConfirmingNode(7_000);
    const { cluster, repository } = clusterOf(node);
    const writes = ["a", "b", "c"].map((key) => outcome(repository.set(key, "v")));
    for (const command of cluster.commands) command.answer("OK");
    expect(await Promise.all(writes)).toEqual(writes.map(() => ({ value: undefined })));
    expect(node.listenerCount("close")).toBe(1);
  });
});

test("with a real replica each write is one round trip; while the replica is away writes are told and reads go on", async () => {
  await using replication = await startRedisReplication();
  using redis = await RecordingRedis.connect(replication.primary.url);
  const repository = new RedisRepository(z.string(), redis, {
    prefix: "k",
    timeout: 10_000,
    waitForReplicas: { replicas: 1, timeoutMilliseconds: 1_000 },
  });
  await repository.set("first", "v");
  redis.forget();
  await repository.set("a", "v");
  expect(redis.commands).toEqual(["SET k", "WAIT"]);
  expect(redis.roundTrips).toBe(1);
  expect(await repository.add("b", "v")).toBe(true);
  expect(await repository.take("b")).toBe("v");
  expect(await repository.delete("a")).toBe(true);
  await Promise.all(Array.from({ length: 200 }, (_, index) => repository.set(`many ${index}`, "v")));
  using replica = await connectRedis(replication.replica);
  expect(await replica.exists("k:many 199")).toBe(1);

  replication.replica.pause();
  const writes = Array.from({ length: 50 }, (_, index) => outcome(repository.set(`late ${index}`, "v")));
  expect(await Promise.all(writes)).toMatchObject(writes.map(() => ({ failure: { ...unknown, replicas: 0 } })));
  expect(await repository.get("late 49")).toBe("v");
  replication.replica.resume();
  await until(() =>
    repository.set("again", "v").then(
      () => true,
      () => false,
    ),
  );
});

test("where there is no replica at all every write is told, and is there", async () => {
  await using server = await startRedisServer();
  using redis = await connectRedis(server);
  const repository = new RedisRepository<string>(textCodec, redis, { prefix: "k", waitForReplicas });
  await expect(repository.set("a", "v")).rejects.toMatchObject({ ...unknown, replicas: 0 });
  expect(await repository.get("a")).toBe("v");
});

test("on a Cluster the master of the key is asked", async () => {
  await using servers = await startRedisCluster();
  using cluster = await connectCluster(servers.nodes);
  const repository = new RedisRepository<string>(textCodec, cluster, { prefix: "k", waitForReplicas });
  for (const key of ["a", "b", "c"]) {
    await expect(repository.set(key, "v")).rejects.toMatchObject({ ...unknown, replicas: 0 });
    expect(await repository.get(key)).toBe("v");
  }
});
