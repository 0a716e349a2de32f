import { Redis } from "ioredis";
import { expect, expectTypeOf, test } from "vitest";
import type { Grant } from "../../src/index.ts";
import { recordKinds } from "../../src/records/repositories.ts";
import { createRedisRepositories, RedisRepository } from "../../src/redis.ts";
import { KeyRing } from "../../src/secrets/key-ring.ts";
import { redisOptions } from "../../src/storage/redis/redis-options.ts";
import { connectRedis, usedClient } from "../support/redis-clients.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { useRedis } from "../support/use-redis.ts";

const oldSecret = "the old secret of this test, long enough";
const newSecret = "the new secret of this test, long enough";

let server: RedisServer;
let redis: Redis;
useRedis((started) => {
  ({ server, redis } = started);
});

const accessToken = { clientId: "client-1", scopes: ["read"], subject: "someone" };

test("each kind of record has a prefix of its own, so equal keys stay apart", async () => {
  const repositories = createRedisRepositories(redis);
  await repositories.accessTokens.set("k", accessToken);
  await repositories.clients.set("k", { client_id: "client-1", redirect_uris: ["https://app.example/callback"] });
  expect((await redis.keys("*")).sort()).toEqual(["pangea-access_token:k", "pangea-client:k"]);
  expect(await repositories.accessTokens.get("k")).toEqual(accessToken);
  expect(await repositories.refreshTokens.get("k")).toBeUndefined();
});

test.each(["", "Upper", "a:b", "x".repeat(41)])("the namespace %j is refused", (namespace) => {
  expect(() => createRedisRepositories(redis, { namespace })).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION" }),
  );
});

test.each([null, 7, ["pangea"]])("the namespace %j, which is no text, is refused", (namespace) => {
  const options = JSON.parse(JSON.stringify({ namespace }));
  expect(() => createRedisRepositories(redis, options)).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
});

test("no two namespaces have a key in common, whatever they are called", async () => {
  const parts = [
    "a",
    "a-",
    "a-client",
    "a-client_",
    "client",
    "-",
    "_",
    "a-grant-client",
    "a_client-",
    "access_token",
    "a-a",
  ];
  const prefixes = parts.flatMap((namespace) =>
    Object.values(createRedisRepositories(redis, { namespace }))
      .filter((member) => member instanceof RedisRepository)
      .map(({ prefix }) => prefix),
  );
  expect(prefixes.length).toBe(parts.length * recordKinds.length);
  expect(new Set(prefixes).size).toBe(prefixes.length);
});

test("what is sealed in one namespace opens in no other, though the secret is the same", async () => {
  const keys = KeyRing.from(oldSecret);
  const [one, two] = ["one", "two"].map((namespace) => createRedisRepositories(redis, { namespace, keys }));
  await one?.grants.set("k", { clientId: "c", scopes: [], subject: "s", createdAt: 1, expiresAt: 4_000_000_000 });
  await redis.copy("one-grant:k", "two-grant:k");
  await expect(two?.grants.get("k")).rejects.toMatchObject({ code: "ERR_UNSEALABLE" });
});

test("two namespaces stay apart", async () => {
  await createRedisRepositories(redis, { namespace: "one" }).accessTokens.set("k", accessToken);
  expect(await createRedisRepositories(redis, { namespace: "two" }).accessTokens.get("k")).toBeUndefined();
});

test("with keys nothing is in Redis that tells what a record says, and old keys go on reading", async () => {
  await createRedisRepositories(redis, { keys: KeyRing.from(oldSecret) }).accessTokens.set("k", accessToken);
  expect(await redis.get("pangea-access_token:k")).not.toMatch(/client|read|someone/);
  const rotated = createRedisRepositories(redis, { keys: KeyRing.from([newSecret, oldSecret]) });
  expect(await rotated.accessTokens.get("k")).toEqual(accessToken);
});

test("with keys a record that was moved to another key or kind, or sealed by someone else, is a typed error", async () => {
  const repositories = createRedisRepositories(redis, { keys: KeyRing.from(oldSecret) });
  await repositories.accessTokens.set("k", accessToken);
  await redis.copy("pangea-access_token:k", "pangea-access_token:other");
  await redis.copy("pangea-access_token:k", "pangea-refresh_token:k");
  const others = createRedisRepositories(redis, { keys: KeyRing.from(newSecret) });
  for (const read of [
    () => repositories.accessTokens.get("other"),
    () => repositories.refreshTokens.take("k"),
    () => others.accessTokens.get("k"),
  ]) {
    await expect(read()).rejects.toMatchObject({ code: "ERR_UNSEALABLE" });
  }
});

test("each is a Redis repository of its kind of record, to the compiler too", () => {
  const { grants, clients } = createRedisRepositories(redis);
  expectTypeOf(grants).toEqualTypeOf<RedisRepository<Grant>>();
  expectTypeOf(clients).not.toEqualTypeOf<RedisRepository<Grant>>();
});

test("closing them ends all of them and leaves the client open", async () => {
  const repositories = createRedisRepositories(redis);
  await repositories[Symbol.asyncDispose]();
  await expect(repositories.grants.get("k")).rejects.toMatchObject({ code: "ERR_STORAGE_CLOSED" });
  expect(await redis.ping()).toBe("PONG");
});

test("what is read of several kinds in one turn is one command", async () => {
  const { accessTokens, grants, locks } = createRedisRepositories(redis);
  const lock = { owner: "this test", expiresAt: Math.ceil(Date.now() / 1000) + 60 };
  await accessTokens.set("k", accessToken);
  await locks.set("k", lock);
  await redis.config("RESETSTAT");
  const records = await Promise.all([
    accessTokens.get("k"),
    grants.get("k"),
    locks.get("k"),
    accessTokens.get("other"),
  ]);
  expect(records).toEqual([accessToken, undefined, lock, undefined]);
  expect(await redis.info("commandstats")).toMatch(/cmdstat_mget:calls=1,/);
  expect(await redis.info("commandstats")).not.toMatch(/cmdstat_get:/);
});

test("one of them can be closed without the others", async () => {
  const { accessTokens, grants } = createRedisRepositories(redis);
  await accessTokens[Symbol.asyncDispose]();
  await expect(accessTokens.get("k")).rejects.toMatchObject({ code: "ERR_STORAGE_CLOSED" });
  expect(await grants.get("k")).toBeUndefined();
});

test.each([0, -1, Number.NaN, 2 ** 31])("a timeout of %d is refused", (timeout) => {
  expect(() => createRedisRepositories(redis, { timeout })).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION" }),
  );
});

test("a policy that evicts records is refused, and one that evicts nothing is not", async () => {
  const repositories = createRedisRepositories(redis);
  await expect(repositories.check()).resolves.toBeUndefined();
  await redis.config("SET", "maxmemory-policy", "allkeys-lru");
  try {
    await expect(repositories.check()).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
  } finally {
    await redis.config("SET", "maxmemory-policy", "noeviction");
  }
  await repositories[Symbol.asyncDispose]();
  await expect(repositories.check()).rejects.toMatchObject({ code: "ERR_STORAGE_CLOSED" });
});

test("a policy that evicts records is warned of, connected or not yet, and one that evicts nothing is not", async () => {
  const warnings: unknown[] = [];
  const listen = (warning: Error & { code?: string }) => void warnings.push(warning.code);
  process.on("warning", listen);
  const admin = await connectRedis(server);
  const connecting = usedClient(new Redis(server.url, { ...redisOptions(), lazyConnect: true }));
  try {
    await using _ = createRedisRepositories(redis);
    await redis.ping();
    expect(warnings).toEqual([]);
    await admin.config("SET", "maxmemory-policy", "volatile-ttl");
    await using _connected = createRedisRepositories(redis);
    await expect.poll(() => warnings).toEqual(["PANGEA_REDIS_EVICTION"]);
    await using _connecting = createRedisRepositories(connecting);
    expect(connecting.status).toBe("wait");
    await connecting.connect();
    await expect.poll(() => warnings).toHaveLength(2);
  } finally {
    process.off("warning", listen);
    await admin.config("SET", "maxmemory-policy", "noeviction");
    connecting.disconnect();
    admin.disconnect();
  }
});
