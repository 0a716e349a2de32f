import type { Cluster, Redis } from "ioredis";
import { beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { RedisRepository } from "../../../src/redis.ts";
import { raceForKeys } from "../../support/race.ts";
import { connectCluster, connectRedis, redisClient } from "../../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { startRedisCluster, until } from "../../support/redis-topologies.ts";
import { ScriptedRedis } from "../../support/scripted-redis.ts";
import { setUp } from "../../support/set-up.ts";
import { startTcpProxy } from "../../support/tcp-proxy.ts";

const RecordSchema = z.object({ text: z.string(), expiresAt: z.number().exactOptional() });
type TestRecord = z.infer<typeof RecordSchema>;

/** Seconds since the epoch. */
const start = 1_000_000_000;
/** The repository's time, in seconds. Redis has its own, so a record that has expired here is still there. */
let now = start;
beforeEach(() => {
  now = start;
});

function repositoryOn(redis: Redis | Cluster | ScriptedRedis, timeout = 2_000): RedisRepository<TestRecord> {
  return new RedisRepository(RecordSchema, redis, { prefix: "add", clock: () => now * 1000, timeout });
}

function trueCount(answers: readonly boolean[]): number {
  return answers.filter((answer) => answer).length;
}

describe("on one server", () => {
  let server: RedisServer;
  let redis: Redis;
  let otherRedis: Redis;
  let repository: RedisRepository<TestRecord>;
  setUp("file", async (parts) => {
    server = parts.use(await startRedisServer());
    redis = parts.use(await connectRedis(server));
    otherRedis = parts.use(await connectRedis(server));
    repository = repositoryOn(redis);
  });
  beforeEach(async () => {
    await redis.flushall();
  });

  /** The commands that Redis has carried out, those of a script among them. */
  async function commandsDuring(work: () => Promise<unknown>): Promise<Record<string, number>> {
    await redis.config("RESETSTAT");
    await work();
    const stats = await redis.info("commandstats");
    const counts = [...stats.matchAll(/cmdstat_([a-z|-]+):calls=(\d+)/g)].map(
      ([, name = "", calls]) => [name, Number(calls)] as const,
    );
    return Object.fromEntries(counts.filter(([name]) => !name.startsWith("config") && name !== "info"));
  }

  test("adds where there is no record, in one command, with the record's expiry", async () => {
    const record = { text: "one", expiresAt: start + 60.0004 };
    expect(await commandsDuring(() => repository.add("k", record))).toEqual({ set: 1 });
    expect(await repository.get("k")).toEqual(record);
    expect(await redis.pttl("add:k")).toBeGreaterThan(50_000);
    expect(await redis.pttl("add:k")).toBeLessThanOrEqual(60_001);
  });

  test("adds a record that does not expire, without an expiry", async () => {
    expect(await repository.add("k", { text: "one" })).toBe(true);
    expect(await redis.pttl("add:k")).toBe(-1);
  });

  test("leaves a live record as it is, in two commands", async () => {
    await repository.set("k", { text: "one", expiresAt: start + 60 });
    const commands = await commandsDuring(async () => {
      expect(await repository.add("k", { text: "two" })).toBe(false);
    });
    expect(commands).toEqual({ set: 1, get: 1 });
    expect(await repository.get("k")).toEqual({ text: "one", expiresAt: start + 60 });
    expect(await redis.pttl("add:k")).toBeGreaterThan(0);
  });

  test("adds again where the record was deleted, taken, or removed by Redis at its expiry", async () => {
    for (const end of [
      () => repository.delete("k"),
      () => repository.take("k"),
      async () => {
        await redis.pexpire("add:k", 1);
        await until(async () => (await redis.exists("add:k")) === 0);
      },
    ]) {
      expect(await repository.add("k", { text: "one", expiresAt: start + 60 })).toBe(true);
      await end();
    }
    expect(await repository.add("k", { text: "last" })).toBe(true);
  });

  test.each([undefined, start + 200])(
    "replaces a record that has expired by the clock while Redis holds it (new expiry: %s)",
    async (expiresAt) => {
      await repository.set("k", { text: "one", expiresAt: start + 60 });
      now = start + 60;
      const record = { text: "two", ...(expiresAt !== undefined && { expiresAt }) };
      const commands = await commandsDuring(async () => {
        expect(await repository.add("k", record)).toBe(true);
      });
      expect(commands).toEqual({ set: 2, get: 2, eval: 1 });
      expect(await repository.get("k")).toEqual(record);
      if (expiresAt === undefined) expect(await redis.pttl("add:k")).toBe(-1);
      else expect(await redis.pttl("add:k")).toBeGreaterThan(130_000);
      expect(await repository.add("k", { text: "three" })).toBe(false);
    },
  );

  test("replaces nothing a moment before the expiry", async () => {
    await repository.set("k", { text: "one", expiresAt: start + 60 });
    now = start + 59.999;
    expect(await repository.add("k", { text: "two" })).toBe(false);
  });

  test.each(["absent", "expired"])(
    "of a hundred callers on two connections one adds, where the record is %s",
    async (state) => {
      const other = repositoryOn(otherRedis);
      for (const round of [1, 2, 3, 4, 5]) {
        const key = `key ${round}`;
        now = start;
        if (state === "expired") await repository.set(key, { text: "old", expiresAt: start + 1 });
        now = start + 1;
        const texts = Array.from({ length: 100 }, (_, index) => `${index}`);
        const added = await Promise.all(
          texts.map((text, index) => (index % 2 === 0 ? repository : other).add(key, { text })),
        );
        expect(trueCount(added)).toBe(1);
        expect((await repository.get(key))?.text).toBe(texts[added.indexOf(true)]);
      }
    },
  );

  test("does not write a value that has expired already, and says whether there was a record", async () => {
    expect(await repository.add("k", { text: "dead", expiresAt: start })).toBe(true);
    expect(await redis.exists("add:k")).toBe(0);
    await repository.set("k", { text: "one" });
    expect(await repository.add("k", { text: "dead", expiresAt: start })).toBe(false);
    expect(await repository.get("k")).toEqual({ text: "one" });
  });

  test("does not write over what cannot be read", async () => {
    await redis.set("add:text", '{"text":');
    await redis.lpush("add:list", "x");
    for (const key of ["text", "list"]) {
      await expect(repository.add(key, { text: "two" })).rejects.toMatchObject({ code: "ERR_CORRUPT_RECORD" });
      const dead = { text: "two", expiresAt: start };
      await expect(repository.add(key, dead)).rejects.toMatchObject({ code: "ERR_CORRUPT_RECORD" });
    }
    expect(await redis.get("add:text")).toBe('{"text":');
    expect(await redis.lrange("add:list", 0, -1)).toEqual(["x"]);
  });

  test("says so where an expired record holds bytes that are not UTF-8, and cannot be compared", async () => {
    const [before = "", after = ""] = JSON.stringify({ text: "|", expiresAt: start - 1 }).split("|");
    const planted = Buffer.concat([Buffer.from(before), Buffer.of(0xff), Buffer.from(after)]);
    await redis.set("add:k", planted);
    await expect(repository.add("k", { text: "two" })).rejects.toMatchObject({
      code: "ERR_CORRUPT_RECORD",
      message: expect.not.stringContaining("add:k"),
    });
    expect(await redis.getBuffer("add:k")).toEqual(planted);
  });

  test("refuses a key and a text that UTF-8 cannot hold", async () => {
    await expect(repository.add("\ud800", { text: "one" })).rejects.toMatchObject({ code: "ERR_INVALID_KEY" });
    const codec = { encode: (text: string) => text, decode: (text: string) => text };
    const texts = new RedisRepository<string>(codec, redis, { prefix: "add" });
    await expect(texts.add("k", "\ud800")).rejects.toMatchObject({ code: "ERR_INVALID_RECORD" });
    expect(await redis.dbsize()).toBe(0);
  });

  test("needs no permission for scripts but to replace a record that has expired", async () => {
    await redis.call("ACL", "SETUSER", "plain", "on", ">password", "~add:*", "+get", "+set", "+info");
    using plain = await connectRedis({ url: server.url.replace("redis://", "redis://plain:password@") });
    const limited = repositoryOn(plain);
    const record = { text: "one", expiresAt: start + 60 };
    expect(await limited.add("k", record)).toBe(true);
    expect(await limited.add("k", record)).toBe(false);
    now = start + 60;
    await expect(limited.add("k", { text: "two" })).rejects.toMatchObject({
      code: "ERR_STORAGE_UNAUTHORIZED",
      effect: "none",
    });
  });

  test("whose answer is lost may have added, and is not sent again", async () => {
    await using proxy = await startTcpProxy(server.port);
    using throughProxy = redisClient(proxy);
    const far = repositoryOn(throughProxy);
    expect(await far.get("k")).toBeUndefined();
    proxy.withholdReplies();
    const lost = far.add("k", { text: "one" }).catch((error: unknown) => error);
    await until(async () => (await repository.take("k")) !== undefined);
    await redis.config("RESETSTAT");
    proxy.reset();
    expect(await lost).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown" });
    proxy.flow();
    await until(async () => (await far.get("other").catch(() => "down")) === undefined);
    expect(await repository.get("k")).toBeUndefined();
    expect(await redis.info("commandstats")).not.toContain("cmdstat_set:");
  });

  test("that is not answered in time may yet add", async () => {
    await using proxy = await startTcpProxy(server.port);
    using throughProxy = redisClient(proxy);
    const far = repositoryOn(throughProxy, 150);
    expect(await far.get("k")).toBeUndefined();
    proxy.stall();
    await expect(far.add("k", { text: "one" })).rejects.toMatchObject({
      code: "ERR_STORAGE_TIMEOUT",
      effect: "unknown",
    });
    proxy.flow();
    await until(async () => (await repository.get("k"))?.text === "one");
  });

  test("by eight processes is true for one of them, for each key", async () => {
    const keys = 500;
    const worker = new URL("../../support/redis-race-worker.ts", import.meta.url);
    const result = await raceForKeys({ worker, arguments: [String(server.port), "race", "add"], processes: 8, keys });
    expect(result).toEqual({ attempts: 8 * keys, won: keys, wonTwice: 0, errors: 0, lost: 0 });
  });
});

describe("command by command", () => {
  const expired = JSON.stringify({ text: "old", expiresAt: start - 1 });
  const live = JSON.stringify({ text: "other", expiresAt: start + 60 });
  const addNew = (redis: ScriptedRedis) => repositoryOn(redis).add("k", { text: "new" });

  /** Answers the commands as they come: an error fails the command. */
  async function answerEach(redis: ScriptedRedis, replies: readonly unknown[]): Promise<void> {
    for (const [index, reply] of replies.entries()) {
      while (redis.commands.length <= index) await new Promise(setImmediate);
      if (reply instanceof Error) redis.commands[index]?.fail(reply);
      else redis.commands[index]?.answer(reply);
    }
  }

  test("tries again where the record in the way is gone when it is looked at", async () => {
    const redis = new ScriptedRedis();
    const added = addNew(redis);
    await answerEach(redis, [null, null, "OK"]);
    expect(await added).toBe(true);
    expect(redis.written).toEqual(["SET NX add:k", "GET add:k", "SET NX add:k"]);
  });

  test("leaves the record of another caller, which replaced the expired one first", async () => {
    const redis = new ScriptedRedis();
    const added = addNew(redis);
    await answerEach(redis, [null, expired, 0, null, live]);
    expect(await added).toBe(false);
    expect(redis.written).toEqual(["SET NX add:k", "GET add:k", "EVAL add:k", "SET NX add:k", "GET add:k"]);
  });

  const lost = new Error("Connection is closed.");
  test.each([
    ["SET", [lost], "unknown"],
    ["GET", [null, lost], "none"],
    ["EVAL", [null, expired, lost], "unknown"],
  ])("a connection that is lost under the %s ends it", async (_, replies, effect) => {
    const redis = new ScriptedRedis();
    const failure = addNew(redis).catch((error: unknown) => error);
    await answerEach(redis, replies);
    expect(await failure).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect });
    expect(redis.commands.length).toBe(replies.length);
  });
});

test("on a Cluster one of two clients adds each key, wherever it is and whether or not an expired record is there", async () => {
  await using servers = await startRedisCluster();
  const clients = await Promise.all([connectCluster(servers.nodes), connectCluster(servers.nodes)]);
  try {
    const [one, other] = clients.map((client) => repositoryOn(client));
    if (one === undefined || other === undefined) throw new Error("there are two clients");
    const keys = Array.from({ length: 200 }, (_, index) => `k${index}`);
    const half = keys.slice(0, 100);
    await Promise.all(half.map((key) => one.set(key, { text: "old", expiresAt: start + 1 })));
    now = start + 1;
    for (const key of keys) {
      const added = await Promise.all(
        [one, other, one, other].map((records, index) => records.add(key, { text: `${index}` })),
      );
      expect(trueCount(added)).toBe(1);
      expect((await other.get(key))?.text).toBe(`${added.indexOf(true)}`);
    }
  } finally {
    for (const client of clients) client.disconnect();
  }
});
