import { describe, expect, test } from "vitest";
import { clusterKeySlot } from "../../../src/storage/redis/cluster-key-slot.ts";
import { CommandSender } from "../../../src/storage/redis/command-sender.ts";
import { GetBatches } from "../../../src/storage/redis/get-batches.ts";
import { ScriptedCluster, ScriptedRedis } from "../../support/scripted-redis.ts";

/** Reads of texts as they are; the key `refused` cannot be decoded. */
function readsOf(redis: ScriptedRedis): (key: string) => Promise<string | null> {
  const batches = new GetBatches(redis, new CommandSender(redis, 60_000));
  return (key) =>
    batches.get(key, key, (text) => {
      if (key === "refused") throw new TypeError("not this one");
      return text;
    });
}

/** Resolves once no promise has a reaction left to run, and the reads begun before the call have been sent. */
const turnIsOver = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

describe("the reads of one turn", () => {
  test("are a plain GET where there is one", async () => {
    const redis = new ScriptedRedis();
    const text = readsOf(redis)("a");
    await turnIsOver();
    expect(redis.written).toEqual(["GET a"]);
    redis.commands[0]?.answer("1");
    expect(await text).toBe("1");
  });

  test("are one MGET where there are several, and each gets its own", async () => {
    const redis = new ScriptedRedis();
    const read = readsOf(redis);
    const texts = Promise.all([read("a"), read("b"), read("a")]);
    await turnIsOver();
    expect(redis.written).toEqual(["MGET a b a"]);
    redis.commands[0]?.answer(["1", null, "1"]);
    expect(await texts).toEqual(["1", null, "1"]);
  });

  test("include those that another read's continuation issues at once", async () => {
    const redis = new ScriptedRedis();
    const read = readsOf(redis);
    const loop = async (key: string): Promise<void> => {
      await read(`${key}1`);
      await read(`${key}2`);
    };
    const loops = Promise.all([loop("a"), loop("b"), loop("c")]);
    await turnIsOver();
    redis.commands[0]?.answer([null, null, null]);
    await new Promise(setImmediate);
    expect(redis.written).toEqual(["MGET a1 b1 c1", "MGET a2 b2 c2"]);
    redis.commands[1]?.answer([null, null, null]);
    await loops;
  });

  test("include those that begin some promises later, and none that begins after the turn", async () => {
    const redis = new ScriptedRedis();
    const read = readsOf(redis);
    const later = async (key: string, promises: number): Promise<string | null> => {
      for (let count = 0; count < promises; count++) await undefined;
      return read(key);
    };
    const texts = Promise.all([later("a", 7), read("b"), later("c", 1), later("d", 30)]);
    await turnIsOver();
    read("e").catch(() => undefined);
    await turnIsOver();
    expect(redis.written).toEqual(["MGET b c a d", "GET e"]);
    redis.commands[0]?.answer(["2", "3", "1", "4"]);
    expect(await texts).toEqual(["1", "2", "3", "4"]);
  });

  test("of several kinds are one MGET, and each is decoded its own way", async () => {
    const redis = new ScriptedRedis();
    const batches = new GetBatches(redis, new CommandSender(redis, 60_000));
    const number = batches.get("a", "one:a", Number);
    const marked = batches.get("a", "other:a", (text, key) => `${key} is ${text}`);
    await turnIsOver();
    expect(redis.written).toEqual(["MGET one:a other:a"]);
    redis.commands[0]?.answer(["1", "2"]);
    expect([await number, await marked]).toEqual([1, "a is 2"]);
  });

  test("are split where they are many, all sent in the same turn", async () => {
    const redis = new ScriptedRedis();
    const read = readsOf(redis);
    const keys = Array.from({ length: 1_100 }, (_, index) => `k${index}`);
    const texts = Promise.all(keys.map((key) => read(key)));
    await turnIsOver();
    expect(redis.commands.map(({ keys }) => keys.length)).toEqual([500, 500, 100]);
    for (const command of redis.commands) command.answer([...command.keys]);
    expect(await texts).toEqual(keys);
  });

  test("fail one by one where a text cannot be decoded", async () => {
    const redis = new ScriptedRedis();
    const read = readsOf(redis);
    const results = Promise.allSettled([read("a"), read("refused")]);
    await turnIsOver();
    redis.commands[0]?.answer(["1", "2"]);
    expect(await results).toMatchObject([{ value: "1" }, { reason: { message: "not this one" } }]);
  });

  test("fail together where their command fails", async () => {
    const redis = new ScriptedRedis();
    const read = readsOf(redis);
    const results = Promise.allSettled([read("a"), read("b")]);
    await turnIsOver();
    redis.commands[0]?.fail(new Error("Connection is closed."));
    for (const result of await results) {
      expect(result).toMatchObject({ status: "rejected", reason: { code: "ERR_STORAGE_UNAVAILABLE", effect: "none" } });
    }
  });
});

describe("on a Cluster the reads of one turn", () => {
  /** Answers every command that has no answer with its own keys. */
  function answerAll(redis: ScriptedRedis): void {
    for (const { name, keys, answer } of redis.commands) answer(name === "MGET" ? [...keys] : keys[0]);
  }

  test("are one command for each slot, and each gets its own", async () => {
    const redis = new ScriptedCluster(2);
    const read = readsOf(redis);
    const keys = ["{a}1", "{b}1", "{a}2", "{c}1", "{b}2", "{a}3"];
    const texts = Promise.all(keys.map(read));
    await turnIsOver();
    expect(redis.written).toEqual(["MGET {a}1 {a}2 {a}3", "MGET {b}1 {b}2", "GET {c}1"]);
    answerAll(redis);
    expect(await texts).toEqual(keys);
  });

  test("are split where a slot has many, and another slot's are not", async () => {
    const redis = new ScriptedCluster(2);
    const read = readsOf(redis);
    const keys = Array.from({ length: 1_100 }, (_, index) => `{a}${index}`).concat("{b}1", "{b}2");
    const texts = Promise.all(keys.map(read));
    await turnIsOver();
    expect(redis.commands.map(({ keys }) => keys.length)).toEqual([500, 500, 100, 2]);
    for (const { keys } of redis.commands) expect(new Set(keys.map(clusterKeySlot)).size).toBe(1);
    answerAll(redis);
    expect(await texts).toEqual(keys);
  });

  test("are not sent with those of the turn before", async () => {
    const redis = new ScriptedCluster(2);
    const read = readsOf(redis);
    const texts = [read("{a}1")];
    await turnIsOver();
    texts.push(read("{a}2"));
    await turnIsOver();
    expect(redis.written).toEqual(["GET {a}1", "GET {a}2"]);
    answerAll(redis);
    expect(await Promise.all(texts)).toEqual(["{a}1", "{a}2"]);
  });
});
