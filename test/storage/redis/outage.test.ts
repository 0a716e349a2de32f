import { Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { RedisRepository, redisOptions } from "../../../src/redis.ts";
import { everyOperation } from "../../support/every-operation.ts";
import { connectRedis, redisClient } from "../../support/redis-clients.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { setUp } from "../../support/set-up.ts";
import { startTcpProxy, type TcpProxy } from "../../support/tcp-proxy.ts";
import { textCodec } from "../../support/text-codec.ts";

/** Milliseconds. */
const timeout = 250;
/** What a loaded machine may add to a deadline, in milliseconds. */
const tolerance = 500;

const clients: Redis[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

function repositoryOn(redis: Redis): RedisRepository<string> {
  clients.push(redis);
  return new RedisRepository(textCodec, redis, { prefix: "token", timeout });
}

describe("a Redis that has stopped answering (SIGSTOP)", () => {
  let server: RedisServer;
  setUp("test", async (parts) => {
    server = parts.use(await startRedisServer());
  });

  test("holds no call beyond its deadline, and answers again when it goes on", async () => {
    const repository = repositoryOn(await connectRedis(server));
    await repository.set("kept", "v");
    server.pause();
    const outcomes = await everyOperation(repository);
    for (const { error, took } of outcomes) {
      expect(error).toMatchObject({ code: "ERR_STORAGE_TIMEOUT" });
      expect(took).toBeLessThan(timeout + tolerance);
    }
    expect(outcomes.map(({ error }) => error)).toMatchObject(
      ["none", "none", "unknown", "unknown", "none", "unknown"].map((effect) => ({ effect })),
    );
    server.resume();
    expect(await repository.get("kept")).toBe("v");
  });

  test("holds no call of a client that only now connects", async () => {
    server.pause();
    for (const { error, took } of await everyOperation(repositoryOn(redisClient(server)))) {
      expect(error).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
      expect(took).toBeLessThan(timeout + tolerance);
    }
    server.resume();
  });
});

describe("a Redis that was killed (SIGKILL)", () => {
  test("fails calls at once, and serves them again after its restart, with the same client", async () => {
    await using server = await startRedisServer(["--appendonly", "yes", "--appendfsync", "always"]);
    const repository = repositoryOn(await connectRedis(server));
    await repository.set("kept", "v");
    await server.kill();

    for (let round = 0; round < 3; round++) {
      for (const { error, took } of await everyOperation(repository)) {
        expect(error).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
        expect(took).toBeLessThan(timeout + tolerance);
      }
    }
    await server.restart();
    await expect.poll(() => repository.get("kept").catch(() => "still down"), { timeout: 10_000 }).toBe("v");
  });
});

describe("a network that fails", () => {
  let server: RedisServer;
  let proxy: TcpProxy;
  setUp("file", async (parts) => {
    server = parts.use(await startRedisServer());
  });
  setUp("test", async (parts) => {
    proxy = parts.use(await startTcpProxy(server.port));
  });

  test("by a connection that is half open: no call outlives its deadline, and the client connects anew", async () => {
    const redis = redisClient(proxy, { socketTimeout: 2 * timeout });
    const repository = repositoryOn(redis);
    await repository.set("k", "v");
    proxy.stall();
    for (const { error, took } of await everyOperation(repository)) {
      expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_STORAGE_(TIMEOUT|UNAVAILABLE)$/) });
      expect(took).toBeLessThan(timeout + tolerance);
    }
    // Nobody closes the connection: only the client's socketTimeout tells it from a slow one.
    await expect.poll(() => redis.status, { timeout: 5_000, interval: 5 }).not.toBe("ready");
    proxy.flow();
    await expect.poll(() => repository.get("other").catch(() => "still down"), { timeout: 10_000 }).toBeUndefined();
  });

  test.each(["cut", "reset"] as const)(
    "by a connection that is %s with calls on it: the effect of a write is unknown",
    async (fault) => {
      const repository = repositoryOn(redisClient(proxy));
      await repository.set("k", "v");
      proxy.withholdReplies();
      const write = repository.set("k", "w").catch((error: unknown) => error);
      const taking = repository.take("l").catch((error: unknown) => error);
      const reading = repository.get("k").catch((error: unknown) => error);
      await new Promise((resolve) => setImmediate(resolve));
      proxy[fault]();
      expect(await write).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown" });
      // A take reads before it deletes: it has changed nothing yet.
      expect(await taking).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
      expect(await reading).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    },
  );

  test("by latency only slows it down", async () => {
    const repository = repositoryOn(redisClient(proxy));
    await repository.set("k", "v");
    proxy.delay(20);
    expect(await repository.get("k")).toBe("v");
  });
});

test("a call during the first connection waits for it", async () => {
  await using server = await startRedisServer();
  const repository = repositoryOn(redisClient(server));
  await repository.set("k", "v");
  expect(await repository.get("k")).toBe("v");
});

test("a client that connects lazily is connected by the first call", async () => {
  await using server = await startRedisServer();
  const lazy = new Redis(server.url, { ...redisOptions(), lazyConnect: true });
  expect(lazy.status).toBe("wait");
  expect(await repositoryOn(lazy).get("k")).toBeUndefined();
});

test("a client that has ended fails every call at once", async () => {
  await using server = await startRedisServer();
  const redis = await connectRedis(server);
  const repository = repositoryOn(redis);
  await redis.quit();
  await expect.poll(() => redis.status).toBe("end");
  for (const { error } of await everyOperation(repository)) {
    expect(error).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
  }
});
