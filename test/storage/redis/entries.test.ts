import { describe, expect, test } from "vitest";
import { AccessTokenSchema } from "../../../src/records/access-token.ts";
import { RedisRepository } from "../../../src/redis.ts";
import { KeyRing } from "../../../src/secrets/key-ring.ts";
import { sealed } from "../../../src/storage/codecs/sealed.ts";
import { connectCluster, connectRedis } from "../../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { startRedisCluster } from "../../support/redis-topologies.ts";
import { ScriptedNode, ScriptedRedis } from "../../support/scripted-redis.ts";
import { setUp } from "../../support/set-up.ts";
import { textCodec } from "../../support/text-codec.ts";

async function keysOf<V>(repository: RedisRepository<V>): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key] of repository.entries()) keys.push(key);
  return keys.sort();
}

async function keysAndFailure<V>(repository: RedisRepository<V>): Promise<{ keys: string[]; failure: unknown }> {
  const keys: string[] = [];
  try {
    for await (const [key] of repository.entries()) keys.push(key);
  } catch (failure) {
    return { keys, failure };
  }
  return { keys, failure: undefined };
}

describe("the entries", () => {
  let server: RedisServer;
  setUp("file", async (parts) => {
    server = parts.use(await startRedisServer());
  });

  test("are all records of the repository and no others, with their values", async () => {
    using redis = await connectRedis(server);
    const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token" });
    const keys = Array.from({ length: 1_500 }, (_, index) => `k:${index}`);
    await Promise.all(keys.map((key) => repository.set(key, `value of ${key}`)));
    for (const other of ["tokens", "a-token", "toke"]) {
      await new RedisRepository<string>(textCodec, redis, { prefix: other }).set("k", "v");
    }
    const entries = new Map<string, string>();
    for await (const [key, value] of repository.entries()) entries.set(key, value);
    expect(entries).toEqual(new Map(keys.map((key) => [key, `value of ${key}`])));
  });

  test("leave out what has expired, and are followed by an error that counts what cannot be read", async () => {
    using redis = await connectRedis(server);
    let now = 1_000_000_000_000;
    const repository = new RedisRepository(AccessTokenSchema, redis, { prefix: "mixed", clock: () => now });
    await repository.set("good", { clientId: "c", scopes: [] });
    await repository.set("expired", { clientId: "c", scopes: [], expiresAt: 1_000_000_060 });
    await redis.set("mixed:corrupt", "{");
    await redis.lpush("mixed:list", "x");
    now += 60_000;
    const { keys, failure } = await keysAndFailure(repository);
    expect(keys).toEqual(["good"]);
    // MGET calls the list absent, and a GET of it alone does not: SCAN decides which keys are read together.
    expect(failure).toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count: expect.toBeOneOf([1, 2]), keyIds: [] });
  });

  test("that no key opens are counted, and the error names the keys", async () => {
    using redis = await connectRedis(server);
    const rings = ["first", "second", "third"].map((name) =>
      KeyRing.from(`the ${name} secret of this test, long enough`),
    );
    const [first, second, third] = rings.map((keys) => {
      return new RedisRepository(sealed(AccessTokenSchema, keys), redis, { prefix: "sealed" });
    });
    const token = { clientId: "c", scopes: [] };
    for (let index = 0; index < 700; index++) await first?.set(`1-${index}`, token);
    for (let index = 0; index < 3; index++) await second?.set(`2-${index}`, token);
    await third?.set("3", token);
    if (third === undefined) throw new Error("There are three.");
    const { keys, failure } = await keysAndFailure(third);
    expect(keys).toEqual(["3"]);
    const keyIds = rings
      .slice(0, 2)
      .flatMap(({ ids }) => ids)
      .sort();
    expect(failure).toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count: 703, keyIds });
    for (const keyId of keyIds) expect(String(failure)).toContain(keyId);
  });

  test("of a Redis that is down are an error, not an end", async () => {
    await using doomed = await startRedisServer();
    using redis = await connectRedis(doomed);
    const repository = new RedisRepository<string>(textCodec, redis, { prefix: "token", timeout: 300 });
    await repository.set("k", "v");
    await doomed.kill();
    await expect(keysOf(repository)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_STORAGE_/) });
  });

  test("are read page by page, each once though Redis shows a key twice, and none of another repository", async () => {
    const node = new ScriptedNode();
    node.pages.push(["17", ["token:a", "token:b"]], ["0", ["token:b", "tokens:x", "token:c"]]);
    const repository = new RedisRepository<string>(textCodec, node, { prefix: "token" });
    const keys = keysOf(repository);
    for (const [index, texts] of [["1", "2"], "3"].entries()) {
      while (node.commands.length <= index) await new Promise(setImmediate);
      node.commands[index]?.answer(texts);
    }
    expect(await keys).toEqual(["a", "b", "c"]);
    expect(node.cursors).toEqual(["0", "17"]);
    expect(node.written).toEqual(["MGET token:a token:b", "GET token:c"]);
  });

  test("that cannot be read for now are an outage, and are not counted among those that nobody can read", async () => {
    const node = new ScriptedNode();
    node.pages.push(["0", ["token:a", "token:b"]]);
    const keys = keysOf(new RedisRepository<string>(textCodec, node, { prefix: "token" }));
    while (node.commands.length === 0) await new Promise(setImmediate);
    node.commands[0]?.fail(new Error("Connection is closed."));
    await expect(keys).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
  });

  test("need a client that can SCAN", async () => {
    const repository = new RedisRepository<string>(textCodec, new ScriptedRedis(), { prefix: "token" });
    await expect(keysOf(repository)).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
  });
});

test("on a Cluster the entries of every master are among them", async () => {
  await using servers = await startRedisCluster();
  using cluster = await connectCluster(servers.nodes);
  const repository = new RedisRepository<string>(textCodec, cluster, { prefix: "token" });
  const keys = Array.from({ length: 200 }, (_, index) => `k${index}`).sort();
  await Promise.all(keys.map((key) => repository.set(key, key)));
  expect(await keysOf(repository)).toEqual(keys);
});
