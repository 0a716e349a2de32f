import { describe, expect, test } from "vitest";
import { StorageFailure } from "../../../src/errors.ts";
import { RedisRepository } from "../../../src/redis.ts";
import { clusterKeySlot } from "../../../src/storage/redis/cluster-key-slot.ts";
import { everyOperation } from "../../support/every-operation.ts";
import { type OtherTestClient, otherMakes, useOtherClients } from "../../support/other-redis-clients.ts";
import { connectRedis } from "../../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { startRedisCluster, startRedisReplication, until } from "../../support/redis-topologies.ts";
import { setUp } from "../../support/set-up.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";
import { textCodec } from "../../support/text-codec.ts";

/** Milliseconds. Longer than what GLIDE waits for. */
const timeout = 600;
/** What a loaded machine may add to a deadline, in milliseconds. */
const tolerance = 1_000;

useOtherClients();

describe.each(otherMakes)("$name", ({ connect, connectCluster, name }) => {
  let server: RedisServer;
  let proxy: TcpProxy;
  let one: OtherTestClient;
  let repository: RedisRepository<string>;
  setUp("test", async (parts) => {
    server = parts.use(await startRedisServer());
    proxy = parts.use(await startTcpProxy(server.port));
    one = parts.use(await connect(proxy));
    repository = new RedisRepository(textCodec, one.client, { prefix: "token", timeout });
  });

  test("a Redis that is down is an error of every call, never an absent record, and nothing is sent later", async () => {
    await repository.set("kept", "v");
    proxy.refuse();
    proxy.reset();
    await until(async () => !(await one.works()));
    for (const { error, took } of await everyOperation(repository)) {
      expect(error).toBeInstanceOf(StorageFailure);
      expect(took).toBeLessThan(timeout + tolerance);
    }
    using elsewhere = await connectRedis(server);
    await elsewhere.config("RESETSTAT");
    proxy.accept();
    await until(() => one.works());
    expect(await repository.get("kept")).toBe("v");
    expect(await elsewhere.info("commandstats")).not.toMatch(/cmdstat_(set|getdel|del|eval):/);
  });

  test("a Redis that stops answering holds no call beyond its deadline, and what a write did is unknown", async () => {
    await repository.set("k", "v");
    server.pause();
    const outcomes = await everyOperation(repository);
    server.resume();
    for (const { took } of outcomes) expect(took).toBeLessThan(timeout + tolerance);
    expect(outcomes.map(({ error }) => error)).toMatchObject(
      ["none", "none", "unknown", "unknown", "none", "unknown"].map((effect) => ({
        code: "ERR_STORAGE_TIMEOUT",
        effect,
      })),
    );
    await until(async () => (await repository.get("k").catch(() => "down")) !== "down");
  });

  test("a write that timed out is reported as unknown, and does land", async () => {
    await repository.set("k", "old");
    proxy.stall();
    await expect(repository.set("k", "new")).rejects.toMatchObject({ code: "ERR_STORAGE_TIMEOUT", effect: "unknown" });
    proxy.flow();
    await until(async () => (await repository.get("k")) === "new");
  });

  test("a take whose answer was lost is an error of unknown effect, and is not sent again", async () => {
    using elsewhere = await connectRedis(server);
    await repository.set("k", "v");
    // The read before it is answered, and the script is not.
    proxy.withholdReplies();
    const lost = repository.take("k").catch((error: unknown) => error);
    await until(async () => /cmdstat_get:calls=1,/.test(await elsewhere.info("commandstats")));
    const script = until(async () => (await elsewhere.get("token:k")) === null);
    proxy.flow();
    proxy.withholdReplies();
    await script;
    await elsewhere.config("RESETSTAT");
    proxy.reset();
    expect(await lost).toMatchObject({ effect: "unknown" });
    proxy.flow();
    await until(async () => (await repository.get("other").catch(() => "down")) === undefined);
    expect(await elsewhere.info("commandstats")).not.toMatch(/cmdstat_(eval|getdel|del):/);
  });

  test("a refusal says that nothing was done", async () => {
    using elsewhere = await connectRedis(server);
    await elsewhere.lpush("token:list", "x");
    await expect(repository.get("list")).rejects.toMatchObject({ code: "ERR_CORRUPT_RECORD" });
    await elsewhere.config("SET", "maxmemory", "1");
    await expect(repository.set("k", "v")).rejects.toMatchObject({ code: "ERR_STORAGE_REJECTED", effect: "none" });
    await elsewhere.config("SET", "maxmemory", "0", "min-replicas-to-write", "1");
    await expect(repository.set("k", "v")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    await elsewhere.config("SET", "min-replicas-to-write", "0");
    await elsewhere.call("ACL", "SETUSER", "default", "-set");
    await expect(repository.set("k", "v")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAUTHORIZED", effect: "none" });
    expect(await repository.get("k")).toBeUndefined();
  });

  test("a client that was closed is an error, with no effect", async () => {
    await one[Symbol.asyncDispose]();
    await expect(repository.get("k")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    await expect(repository.set("k", "v")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
  });

  test.runIf(name === "node-redis")(
    "a primary that was demoted is left, as whatever leads to the new one says",
    async () => {
      await using replication = await startRedisReplication();
      await using service = await startTcpProxy(replication.primary.port);
      await using moving = await connect(service);
      await using tokens = new RedisRepository<string>(textCodec, moving.client, { prefix: "token", timeout });
      await tokens.set("k", "v");
      await replication.failOver();
      service.redirect(replication.replica.port);
      await expect(tokens.set("k", "w")).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
      await until(() =>
        tokens.set("k", "w").then(
          () => true,
          () => false,
        ),
      );
      using elsewhere = await connectRedis(replication.replica);
      expect(await elsewhere.get("token:k")).toBe("w");
    },
  );

  test("on a Cluster a slot that moves is followed, and a lost node is an error of its keys alone", async () => {
    await using servers = await startRedisCluster();
    await using cluster = await connectCluster(servers.nodes);
    await using tokens = new RedisRepository<string>(textCodec, cluster.client, { prefix: "token", timeout });
    const keys = Array.from({ length: 60 }, (_, index) => `k${index}`);
    await Promise.all(keys.map((key) => tokens.set(key, key)));
    expect(await Promise.all(keys.map((key) => tokens.get(key)))).toEqual(keys);
    const found: string[] = [];
    for await (const [key] of tokens.entries()) found.push(key);
    expect(found.sort()).toEqual([...keys].sort());

    // An empty slot that has another node from now on; the client does not know it yet.
    const [first, second] = servers.nodes;
    if (first === undefined || second === undefined) throw new Error("a Cluster has nodes");
    using from = await connectRedis(first);
    using to = await connectRedis(second);
    // The first third of the slots is the first node's.
    const moved = keys.map((_, index) => `moved ${index}`).find((key) => clusterKeySlot(`token:${key}`) < 5_000) ?? "";
    const slot = clusterKeySlot(`token:${moved}`);
    const target = String(await to.call("CLUSTER", "MYID"));
    for (const node of [to, from]) await node.call("CLUSTER", "SETSLOT", slot, "NODE", target);
    await tokens.set(moved, "v");
    expect(await to.get(`token:${moved}`)).toBe("v");
    expect(await tokens.take(moved)).toBe("v");

    await servers.nodes[2]?.kill();
    const outcomes = await Promise.allSettled(keys.map((key) => tokens.get(key)));
    const failed = outcomes.filter(({ status }) => status === "rejected");
    expect(failed.length).toBeGreaterThan(0);
    for (const outcome of outcomes) {
      if (outcome.status === "fulfilled") expect(outcome.value).toBeDefined();
      else expect(outcome.reason).toBeInstanceOf(StorageFailure);
    }
  });
});
