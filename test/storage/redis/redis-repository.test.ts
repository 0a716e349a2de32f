import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { type SampleRecord, sampleIndexes, sampleSchema } from "../../../src/conformance.ts";
import { AccessTokenSchema } from "../../../src/records/access-token.ts";
import { RedisRepository } from "../../../src/redis.ts";
import { connectRedis, redisClient } from "../../support/redis-clients.ts";
import { startRedisServer } from "../../support/redis-server.ts";
import { errorReply } from "../../support/scripted-connection.ts";
import { ScriptedRedis } from "../../support/scripted-redis.ts";
import { textCodec } from "../../support/text-codec.ts";
import { useRedis } from "../../support/use-redis.ts";

let redis: Redis;
useRedis((started) => {
  ({ redis } = started);
});

/** The commands that Redis has carried out since, by name, those of the count itself left out. */
async function commandsDuring(work: () => Promise<unknown>): Promise<Record<string, number>> {
  await redis.config("RESETSTAT");
  await work();
  const stats = await redis.info("commandstats");
  const counts: Record<string, number> = {};
  for (const [, name = "", calls] of stats.matchAll(/cmdstat_([a-z|-]+):calls=(\d+)/g)) {
    if (!name.startsWith("config") && name !== "info") counts[name] = Number(calls);
  }
  return counts;
}

const expiresIn = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;
const record = (expiresAt: number) => ({ clientId: "c", scopes: ["a"], expiresAt });

describe("each operation is one command, and take of a record two", () => {
  const repository = () => new RedisRepository(AccessTokenSchema, redis, { prefix: "token" });

  test("set", async () => {
    expect(await commandsDuring(() => repository().set("k", record(expiresIn(60))))).toEqual({ set: 1 });
  });
  test("get", async () => {
    expect(await commandsDuring(() => repository().get("k"))).toEqual({ get: 1 });
  });
  test("delete", async () => {
    expect(await commandsDuring(() => repository().delete("k"))).toEqual({ getdel: 1 });
  });
  test("take", async () => {
    expect(await commandsDuring(() => repository().take("k"))).toEqual({ get: 1 });
    await repository().set("k", record(expiresIn(60)));
    // The script's own GET and DEL are counted too.
    expect(await commandsDuring(() => repository().take("k"))).toEqual({ get: 2, eval: 1, del: 1 });
  });
  test("a hundred gets at once", async () => {
    const tokens = repository();
    const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);
    expect(await commandsDuring(() => Promise.all(keys.map((key) => tokens.get(key))))).toEqual({ mget: 1 });
  });
});

describe("expiry", () => {
  test("is given to Redis as the time that is left", async () => {
    const expiresAt = expiresIn(60) + 0.1234;
    await new RedisRepository(AccessTokenSchema, redis, { prefix: "token" }).set("k", record(expiresAt));
    const removedAt = await redis.pexpiretime("token:k");
    expect(removedAt).toBeGreaterThanOrEqual(expiresAt * 1000);
    expect(removedAt).toBeLessThan(expiresAt * 1000 + 5_000);
  });

  test("of a record without one is none, and takes away the one before", async () => {
    const repository = new RedisRepository(AccessTokenSchema, redis, { prefix: "token" });
    await repository.set("k", record(expiresIn(60)));
    await repository.set("k", { clientId: "c", scopes: [] });
    expect(await redis.pttl("token:k")).toBe(-1);
  });

  test("comes from the option where there is one", async () => {
    const expiresAt = expiresIn(60);
    const repository = new RedisRepository(textCodec, redis, { prefix: "token", expiresAt: () => expiresAt });
    await repository.set("k", "v");
    expect(await redis.pttl("token:k")).toBeGreaterThan(50_000);
  });

  test("in the past deletes what was there", async () => {
    const repository = new RedisRepository(AccessTokenSchema, redis, { prefix: "token" });
    await repository.set("k", record(expiresIn(60)));
    const commands = await commandsDuring(() => repository.set("k", record(expiresIn(-1))));
    expect(commands).toEqual({ del: 1 });
    expect(await redis.exists("token:k")).toBe(0);
  });

  test("is judged by the given clock, whatever Redis still holds", async () => {
    let now = 1_000_000;
    const repository = new RedisRepository(AccessTokenSchema, redis, { prefix: "token", clock: () => now });
    for (const key of ["got", "taken", "deleted"]) await repository.set(key, record(1_060));
    expect(await redis.pttl("token:got")).toBeGreaterThan(50_000);
    now = 1_060_000;
    expect(await repository.get("got")).toBeUndefined();
    expect(await repository.take("taken")).toBeUndefined();
    expect(await repository.delete("deleted")).toBe(false);
  });

  test("further away than Redis can count is refused", async () => {
    const repository = new RedisRepository(AccessTokenSchema, redis, { prefix: "token" });
    await expect(repository.set("k", record(Number.MAX_VALUE))).rejects.toMatchObject({ code: "ERR_INVALID_RECORD" });
    expect(await redis.exists("token:k")).toBe(0);
  });
});

describe("what is stored", () => {
  test("is under the prefix and the key", async () => {
    await new RedisRepository(textCodec, redis, { prefix: "token" }).set("a:b{c}", "v");
    expect(await redis.keys("*")).toEqual(["token:a:b{c}"]);
  });

  test("and is not a record is a corrupt record, which delete removes", async () => {
    const repository = new RedisRepository(AccessTokenSchema, redis, { prefix: "token" });
    await redis.set("token:k", '{"client_id":');
    await expect(repository.get("k")).rejects.toMatchObject({ code: "ERR_CORRUPT_RECORD" });
    expect(await repository.delete("k")).toBe(true);
    expect(await repository.get("k")).toBeUndefined();
  });

  test("under a key of another type is a corrupt record, which delete removes", async () => {
    const repository = new RedisRepository(textCodec, redis, { prefix: "token" });
    await redis.lpush("token:k", "x");
    await expect(repository.get("k")).rejects.toMatchObject({ code: "ERR_CORRUPT_RECORD" });
    await expect(repository.take("k")).rejects.toMatchObject({ code: "ERR_CORRUPT_RECORD" });
    expect(await repository.delete("k")).toBe(true);
    expect(await redis.exists("token:k")).toBe(0);
  });

  test("is not altered on the way: text that UTF-8 cannot hold is refused", async () => {
    const repository = new RedisRepository(textCodec, redis, { prefix: "token" });
    await expect(repository.set("k", "\ud800")).rejects.toMatchObject({ code: "ERR_INVALID_RECORD" });
    expect(await repository.get("k")).toBeUndefined();
  });
});

test("a key that UTF-8 cannot hold is refused by every operation", async () => {
  const repository = new RedisRepository(textCodec, redis, { prefix: "token" });
  for (const result of await Promise.allSettled([
    repository.get("\ud800"),
    repository.set("\ud800", "v"),
    repository.delete("\ud800"),
    repository.take("\ud800"),
  ])) {
    expect(result).toMatchObject({ status: "rejected", reason: { code: "ERR_INVALID_KEY" } });
  }
});

test.each([0, -1, Number.NaN, 2 ** 31])("a timeout of %d is refused", (timeout) => {
  expect(() => new RedisRepository(textCodec, redis, { prefix: "token", timeout })).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION" }),
  );
});

describe("a delete, command by command", () => {
  const anotherType = errorReply("WRONGTYPE Operation against a key holding the wrong kind of value");
  const lost = new Error("Connection is closed.");
  const unauthorized = { code: "ERR_STORAGE_UNAUTHORIZED", effect: "none" };
  test.each<[what: string, replies: readonly unknown[], written: string, outcome: object]>([
    ["goes by DEL where the key has another type", [anotherType, 1], "GETDEL DEL", { value: true }],
    ["says false where that is gone by then", [anotherType, 0], "GETDEL DEL", { value: false }],
    ["goes by nothing else where it is lost", [lost], "GETDEL", { failure: { effect: "unknown" } }],
    ["goes by nothing else where it is refused", [errorReply("NOPERM x")], "GETDEL", { failure: unauthorized }],
  ])("%s", async (_, replies, written, outcome) => {
    const scripted = new ScriptedRedis();
    const deleted = new RedisRepository<string>(textCodec, scripted, { prefix: "token" }).delete("k").then(
      (value) => ({ value }),
      (failure: unknown) => ({ failure }),
    );
    for (const [index, reply] of replies.entries()) {
      while (scripted.commands.length <= index) await new Promise(setImmediate);
      if (reply instanceof Error) scripted.commands[index]?.fail(reply);
      else scripted.commands[index]?.answer(reply);
    }
    expect(await deleted).toMatchObject(outcome);
    expect(scripted.commands.map(({ name }) => name).join(" ")).toBe(written);
  });
});

test("a repository says which keys, client and indexes it has, and what a record reads as that is written", () => {
  const indexed = new RedisRepository(sampleSchema, redis, { prefix: "one", indexes: sampleIndexes });
  const plain = new RedisRepository(sampleSchema, redis, { prefix: "two" });
  expect([indexed.prefix, plain.prefix]).toEqual(["one", "two"]);
  expect([indexed.isOn(redis), indexed.isOn(new ScriptedRedis())]).toEqual([true, false]);
  expect([indexed.indexNames, plain.indexNames]).toEqual([Object.keys(sampleIndexes), []]);
  const record: SampleRecord & { other: string } = { name: "ada", list: [], other: "is not kept" };
  expect(plain.readBack("k", record)).toEqual({ name: "ada", list: [] });
});

test("a repository can be closed twice, and both wait for the calls under way", async () => {
  const repository = new RedisRepository(textCodec, redis, { prefix: "token" });
  const written = repository.set("k", "v");
  await Promise.all([repository[Symbol.asyncDispose](), repository[Symbol.asyncDispose]()]);
  await written;
  await repository[Symbol.asyncDispose]();
  expect(await redis.get("token:k")).toBe("v");
});

test("closing a repository leaves the client open", async () => {
  const repository = new RedisRepository(textCodec, redis, { prefix: "token" });
  await repository.set("k", "v");
  await repository[Symbol.asyncDispose]();
  await expect(repository.get("k")).rejects.toMatchObject({ code: "ERR_STORAGE_CLOSED", effect: "none" });
  expect(await redis.get("token:k")).toBe("v");
});

test("a wrong password is told as such", async () => {
  await using guarded = await startRedisServer(["--requirepass", "right"]);
  using client = redisClient(guarded);
  await expect(
    new RedisRepository(textCodec, client, { prefix: "token", timeout: 500 }).get("k"),
  ).rejects.toMatchObject({
    code: "ERR_STORAGE_UNAUTHORIZED",
    effect: "none",
  });
});

test("a Redis that is full refuses the write and keeps what it has", async () => {
  await using full = await startRedisServer(["--maxmemory", "3mb", "--maxmemory-policy", "noeviction"]);
  using client = await connectRedis(full);
  const repository = new RedisRepository(textCodec, client, { prefix: "token" });
  await repository.set("k", "v");
  const write = async (): Promise<void> => {
    for (let index = 0; index < 200; index++) await repository.set(`big${index}`, "x".repeat(100_000));
  };
  await expect(write()).rejects.toMatchObject({ code: "ERR_STORAGE_REJECTED", effect: "none" });
  expect(await repository.get("k")).toBe("v");
});
