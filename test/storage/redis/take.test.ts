import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { RedisRepository } from "../../../src/redis.ts";
import { KeyRing } from "../../../src/secrets/key-ring.ts";
import { sealed } from "../../../src/storage/codecs/sealed.ts";
import { connectCluster, connectRedis } from "../../support/redis-clients.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import { startRedisCluster } from "../../support/redis-topologies.ts";
import { errorReply } from "../../support/scripted-connection.ts";
import { ScriptedRedis } from "../../support/scripted-redis.ts";
import { textCodec } from "../../support/text-codec.ts";
import { useRedis } from "../../support/use-redis.ts";

const RecordSchema = z.object({ name: z.string(), expiresAt: z.number().exactOptional() });
const oldKeys = KeyRing.from("the old secret of this test, long enough");
const newKeys = KeyRing.from("the new secret of this test, long enough");

let server: RedisServer;
let redis: Redis;
useRedis((started) => {
  ({ server, redis } = started);
});

const repositoryWith = (keys: KeyRing) =>
  new RedisRepository(sealed(RecordSchema, keys), redis, { prefix: "code", clock: Date.now });

describe("a record that cannot be opened stays", () => {
  const alterations: readonly [what: string, put: (text: string) => Promise<unknown>, code: string][] = [
    [
      "altered",
      (text) => redis.set("code:k", `${text.slice(0, -1)}${text.endsWith("A") ? "B" : "A"}`),
      "ERR_UNSEALABLE",
    ],
    ["cut off", (text) => redis.set("code:k", text.slice(0, 40)), "ERR_UNSEALABLE"],
    [
      "moved from another key",
      async () => {
        await repositoryWith(oldKeys).set("other", { name: "other" });
        await redis.copy("code:other", "code:k", "REPLACE");
      },
      "ERR_UNSEALABLE",
    ],
    ["not sealed", () => redis.set("code:k", '{"name":"plain"}'), "ERR_UNSEALABLE"],
    ["empty", () => redis.set("code:k", ""), "ERR_UNSEALABLE"],
    [
      "of another schema",
      async () => {
        const others = sealed(z.object({ title: z.string() }), oldKeys);
        await new RedisRepository(others, redis, { prefix: "code" }).set("k", { title: "of a later version" });
      },
      "ERR_CORRUPT_RECORD",
    ],
    ["of bytes that are not UTF-8", () => redis.set("code:k", Buffer.from([0xff, 0xfe])), "ERR_UNSEALABLE"],
    [
      "of another type",
      async () => {
        await redis.del("code:k");
        await redis.lpush("code:k", "x");
      },
      "ERR_CORRUPT_RECORD",
    ],
  ];

  test.each(alterations)("%s", async (_, put, code) => {
    const repository = repositoryWith(oldKeys);
    await repository.set("k", { name: "one", expiresAt: Math.ceil(Date.now() / 1000) + 60 });
    await put(String(await redis.get("code:k")));
    const before = await redis.dumpBuffer("code:k");
    for (const attempt of ["first", "second"]) {
      await expect(repository.take("k"), attempt).rejects.toMatchObject({ code, effect: "none" });
    }
    expect(await redis.dumpBuffer("code:k")).toEqual(before);
    expect(await repository.delete("k")).toBe(true);
    expect(await repository.take("k")).toBeUndefined();
  });

  test("sealed under a key that is not in the ring: the error says which, and whoever has it takes the record", async () => {
    const record = { name: "one", expiresAt: Math.ceil(Date.now() / 1000) + 60 };
    await repositoryWith(oldKeys).set("k", record);
    const lifeBefore = await redis.pexpiretime("code:k");
    const failure = await repositoryWith(newKeys)
      .take("k")
      .catch((error: unknown) => error);
    const [keyId] = oldKeys.ids;
    expect(failure).toMatchObject({ code: "ERR_UNSEALABLE", keyId, effect: "none" });
    expect(String(failure)).toContain(keyId);
    expect(await redis.pexpiretime("code:k")).toBe(lifeBefore);
    expect(await repositoryWith(oldKeys).take("k")).toEqual(record);
  });
});

test("a text in the place of a key id gets into no message", async () => {
  await redis.set("code:k", "v2.whoever-writes-here.salt.text");
  const failure = await repositoryWith(newKeys)
    .take("k")
    .catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: "ERR_UNSEALABLE", keyId: undefined });
  expect(String(failure)).not.toContain("whoever");
});

test("text that holds the stand-in for what is not UTF-8 is taken; bytes that read as if they did are not", async () => {
  const repository = new RedisRepository<string>(textCodec, redis, { prefix: "code" });
  await repository.set("k", "\ufffd");
  expect(await repository.take("k")).toBe("\ufffd");
  await redis.set("code:k", Buffer.from([0xff]));
  await expect(repository.take("k")).rejects.toMatchObject({ code: "ERR_CORRUPT_RECORD" });
  expect(await redis.exists("code:k")).toBe(1);
});

test("a record past its expiry that Redis still holds is absent, and is left to Redis", async () => {
  const repository = new RedisRepository(RecordSchema, redis, { prefix: "code" });
  await redis.set("code:k", JSON.stringify({ name: "late", expiresAt: 1 }));
  expect(await repository.take("k")).toBeUndefined();
  expect(await redis.exists("code:k")).toBe(1);
});

test("a user who may not run scripts takes by GETDEL: one of many gets the record, and none that cannot be opened", async () => {
  await redis.call("ACL", "SETUSER", "plain", "on", "nopass", "~*", "&*", "+@all", "-eval", "-evalsha");
  using plain = await connectRedis({ url: `redis://plain:any@${server.host}:${server.port}` });
  const repository = new RedisRepository(sealed(RecordSchema, oldKeys), plain, { prefix: "code" });
  await repository.set("k", { name: "one" });
  const taken = await Promise.all(Array.from({ length: 20 }, () => repository.take("k")));
  expect(taken.filter((record) => record !== undefined)).toEqual([{ name: "one" }]);
  await repositoryWith(newKeys).set("k", { name: "one" });
  await expect(repository.take("k")).rejects.toMatchObject({ code: "ERR_UNSEALABLE" });
  expect(await redis.exists("code:k")).toBe(1);
});

test("on a Cluster one of many takes each record", async () => {
  await using servers = await startRedisCluster();
  using one = await connectCluster(servers.nodes);
  using other = await connectCluster(servers.nodes);
  const [first, second] = [one, other].map(
    (cluster) => new RedisRepository<string>(textCodec, cluster, { prefix: "c" }),
  );
  if (first === undefined || second === undefined) throw new Error("There are two.");
  for (const key of ["a", "b{x}", "c", "d}{", "🔑"]) {
    await first.set(key, key);
    const taken = await Promise.all([first, second, first, second].map((repository) => repository.take(key)));
    expect(taken.filter((text) => text !== undefined)).toEqual([key]);
  }
});

describe("command by command", () => {
  async function answerEach(scripted: ScriptedRedis, replies: readonly unknown[]): Promise<void> {
    for (const [index, reply] of replies.entries()) {
      while (scripted.commands.length <= index) await new Promise(setImmediate);
      if (reply instanceof Error) scripted.commands[index]?.fail(reply);
      else scripted.commands[index]?.answer(reply);
    }
  }
  const lost = new Error("Connection is closed.");
  const cases: readonly [what: string, replies: readonly unknown[], written: string, outcome: object][] = [
    ["gets what it has opened and deleted", ["v", 1], "GET EVAL", { value: "v" }],
    ["is one command where there is nothing", [null], "GET", { value: undefined }],
    ["looks again where another has taken it", ["v", 0, null], "GET EVAL GET", { value: undefined }],
    ["gets what another has put there since", ["v", 0, "w", 1], "GET EVAL GET EVAL", { value: "w" }],
    ["gets the same text where it was put there anew", ["v", 0, "v", 1], "GET EVAL GET EVAL", { value: "v" }],
    ["lost at the read has changed nothing", [lost], "GET", { failure: { effect: "none" } }],
    ["lost at the delete may have", ["v", lost], "GET EVAL", { failure: { effect: "unknown" } }],
    [
      "is not tried by GETDEL in an outage",
      ["v", errorReply("LOADING x")],
      "GET EVAL",
      { failure: { effect: "none" } },
    ],
    ["goes by GETDEL where scripts are refused", ["v", errorReply("NOPERM x"), "w"], "GET EVAL GETDEL", { value: "w" }],
    [
      "goes by GETDEL where there are no scripts",
      ["v", errorReply("ERR unknown command"), null],
      "GET EVAL GETDEL",
      { value: undefined },
    ],
  ];
  test.each(cases)("%s", async (_, replies, written, outcome) => {
    const scripted = new ScriptedRedis();
    const repository = new RedisRepository<string>(textCodec, scripted, { prefix: "code" });
    const taken = repository.take("k").then(
      (value) => ({ value }),
      (failure: unknown) => ({ failure }),
    );
    await answerEach(scripted, replies);
    expect(await taken).toMatchObject(outcome);
    expect(scripted.written.map((command) => command.split(" ")[0]).join(" ")).toBe(written);
  });
});
