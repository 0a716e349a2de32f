import { Redis } from "ioredis";
import { createClient } from "redis";
import { describe, expect, it } from "vitest";
import { nodeRedisOptions, redisOptions } from "../../../src/redis.ts";
import { databaseFinding, requireDatabase } from "../../../src/storage/redis/database.ts";
import { NodeRedisConnection } from "../../../src/storage/redis/node-redis/node-redis-connection.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { setUp } from "../../support/set-up.ts";

let redis: RedisServer;
setUp("file", async (parts) => {
  redis = parts.use(await startRedisServer());
});

const ask = <T>(send: () => Promise<T>) => send();

describe("the database of a client of ioredis", () => {
  const clientOf = (path: string) => {
    const client = new Redis(redis.url + path, redisOptions());
    client.on("error", () => {});
    return Object.assign(client, { [Symbol.asyncDispose]: async () => client.disconnect() });
  };

  it.each([
    ["", 0],
    ["/0", 0],
    ["/3", 3],
  ])("is the one that it is set to: %j", async (path, database) => {
    await using client = clientOf(path);
    await requireDatabase(client, 2_000);
    expect(await databaseFinding(client, ask)).toMatchObject({
      status: "ok",
      what: expect.stringContaining(`database ${database} `),
    });
  });

  it.each(["/99", "/16"])("is not 0 in silence where there is no such database: %s", async (path) => {
    await using client = clientOf(path);
    await expect(requireDatabase(client, 2_000)).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
    expect(await databaseFinding(client, ask)).toMatchObject({
      check: "store-database",
      status: "error",
      what: expect.stringContaining(path.slice(1)),
    });
  });

  it("is not asked for where the user may not ask, and not told where the client does not say", async () => {
    const refuse = () => Promise.reject(Object.assign(new Error("NOPERM no"), { name: "ReplyError" }));
    await using client = clientOf("/3");
    const limited = new Proxy(client, {
      get: (target, name) => (name === "call" ? refuse : Reflect.get(target, name, target)),
    });
    await expect(requireDatabase(limited, 2_000)).resolves.toBeUndefined();
    const silent = new Proxy(client, {
      get: (target, name) => (name === "options" ? undefined : Reflect.get(target, name, target)),
    });
    expect(await databaseFinding(silent, ask)).toBeUndefined();
  });
});

describe("the database of a client of node-redis", () => {
  const clientOf = (path: string) => {
    const client = createClient({ url: redis.url + path, ...nodeRedisOptions() });
    client.on("error", () => {});
    client.connect().catch(() => {});
    return Object.assign(client, { [Symbol.asyncDispose]: async () => client.destroy() });
  };

  it("is the one that it is set to", async () => {
    await using client = clientOf("/3");
    await requireDatabase(client, 2_000);
    const finding = await databaseFinding(new NodeRedisConnection(client), ask);
    expect(finding).toMatchObject({ status: "ok", what: expect.stringContaining("database 3 ") });
  });

  it("is told as the reason why there is no connection, where there is no such database", async () => {
    await using client = clientOf("/99");
    await expect(requireDatabase(client, 2_000)).rejects.toMatchObject({
      code: "ERR_STORAGE_REJECTED",
      message: expect.stringContaining("database"),
    });
  });
});
