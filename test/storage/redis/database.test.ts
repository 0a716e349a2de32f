import { Redis } from "ioredis";
import { createClient } from "redis";
import { describe, expect, it } from "vitest";
import { nodeRedisOptions, RedisRepository, redisOptions } from "../../../src/redis.ts";
import { databaseFinding, requireDatabase } from "../../../src/storage/redis/database.ts";
import { NodeRedisConnection } from "../../../src/storage/redis/node-redis/node-redis-connection.ts";
import { type RedisServer, startRedisServer } from "../../support/redis-server.ts";
import { errorReply } from "../../support/scripted-connection.ts";
import { ScriptedCluster, ScriptedRedis } from "../../support/scripted-redis.ts";
import { setUp } from "../../support/set-up.ts";
import { textCodec } from "../../support/text-codec.ts";

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

  /** Unlike `once` of node:events it does not end with an error event. */
  const isReady = (client: Redis) => new Promise<void>((resolve) => void client.once("ready", () => resolve()));

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

  it.each([
    ["before it connects", async () => {}],
    ["when it is connected", (client: Redis) => isReady(client)],
  ])("is not written to where it is another one than was meant, for a client that is given %s", async (_, wait) => {
    await using client = clientOf("/99");
    await using other = clientOf("");
    await Promise.all([wait(client), isReady(other)]);
    await other.flushdb();
    await using repository = new RedisRepository(textCodec, client, { prefix: "lost" });
    // The client that is connected is asked first, in the turn of the first command.
    await Promise.allSettled([repository.get("a")]);
    const refused = { code: "ERR_STORAGE_REJECTED", effect: "none", message: expect.stringContaining("database 99") };
    await expect(repository.set("a", "b")).rejects.toMatchObject(refused);
    await expect(repository.get("a")).rejects.toMatchObject(refused);
    await expect(repository.entries()[Symbol.asyncIterator]().next()).rejects.toMatchObject(refused);
    expect(await other.keys("lost*")).toEqual([]);
    expect(await databaseFinding(client, ask)).toMatchObject({ status: "error" });
  });

  it("is written to again once there is such a database", async () => {
    await using client = clientOf("/3");
    await using repository = new RedisRepository(textCodec, client, { prefix: "found" });
    await repository.set("a", "b");
    const refusal = Object.assign(new Error("ERR DB index is out of range"), {
      name: "ReplyError",
      command: { name: "select", args: ["3"] },
    });
    client.emit("error", refusal);
    await expect(repository.get("a")).rejects.toMatchObject({ code: "ERR_STORAGE_REJECTED" });
    const ready = isReady(client);
    client.disconnect(true);
    await ready;
    expect(await repository.get("a")).toBe("b");
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

describe("the database that a connection is on", () => {
  /** A client that is set to a database, and that says of its connection what the test says. */
  const clientOf = (options: object | undefined, answer: unknown = "id=3 db=0 sub=0") =>
    Object.assign(new ScriptedRedis(), {
      options,
      call: async (...command: string[]) => {
        if (command.join(" ") !== "CLIENT INFO") throw errorReply("ERR unknown command");
        if (answer instanceof Error) throw answer;
        return answer;
      },
    });
  const settings = { autoResendUnfulfilledCommands: false };
  const statusOf = async (client: ScriptedRedis) => (await databaseFinding(client, ask))?.status;

  it.each<[object, string, string | undefined]>([
    [{}, "id=3 db=0 sub=0", "ok"],
    [{}, "db=0", "ok"],
    [{}, "id=3 db=0", "ok"],
    [{}, Buffer.from("id=3 db=0 sub=0").toString(), "ok"],
    [{}, "id=3 db=1 sub=0", "error"],
    [{ db: 1 }, "id=3 db=1 sub=0", "ok"],
    [{ database: 1 }, "id=3 db=1 sub=0", "ok"],
    [{ db: 12 }, "id=3 db=12 sub=0", "ok"],
    [{ db: 1 }, "id=3 db=12 sub=0", "error"],
    [{ db: 0 }, "id=3 name=db=7 db=0 sub=0", "ok"],
    [{ db: -1 }, "id=3 db=0 sub=0", "error"],
    [{ db: Number.NaN }, "id=3 db=0 sub=0", "error"],
    [{ db: "3" }, "id=3 db=0 sub=0", undefined],
    [{}, "id=3 sub=0", undefined],
    [{}, "id=3 db=x sub=0", undefined],
    [{}, "id=3 db=0x sub=0", undefined],
    [{}, "id=3 olddb=0 sub=0", undefined],
    [{}, "id=3 db= sub=0", undefined],
  ])("of a client that is set to %j and says %j is %s", async (options, answer, status) => {
    expect(await statusOf(clientOf({ ...settings, ...options }, answer))).toBe(status);
  });

  it("is not asked for on a Cluster, of a client that takes no such question, nor where nobody says which is meant", async () => {
    const call = () => Promise.reject(new Error("Nobody asks."));
    for (const client of [
      Object.assign(new ScriptedCluster(1), { call }),
      new ScriptedRedis(),
      Object.assign(new ScriptedRedis(), { call: "CLIENT INFO" }),
      Object.assign(clientOf(undefined), { call }),
    ]) {
      expect(await statusOf(client)).toBeUndefined();
    }
  });

  it.each([
    ["may not ask", errorReply("NOPERM no permission"), undefined],
    ["is not known to Redis", errorReply("NOAUTH Authentication required."), { code: "ERR_STORAGE_UNAUTHORIZED" }],
    ["gives a wrong password", errorReply("WRONGPASS invalid, not NOPERM"), { code: "ERR_STORAGE_UNAUTHORIZED" }],
    ["has a Redis without the command", errorReply("ERR unknown command"), { code: "ERR_STORAGE_REJECTED" }],
    ["has lost the connection", new Error("Connection is closed."), { code: "ERR_STORAGE_UNAVAILABLE" }],
  ])("is no finding where the user %s", async (_, answer, expected) => {
    const required = requireDatabase(clientOf(settings, answer), 2_000);
    if (expected === undefined) await required;
    else await expect(required).rejects.toMatchObject({ ...expected, effect: "none" });
  });

  it("is required to be the one that is meant", async () => {
    await requireDatabase(clientOf(settings), 2_000);
    await expect(requireDatabase(clientOf({ ...settings, db: 3 }), 2_000)).rejects.toMatchObject({
      code: "ERR_CONFIGURATION",
    });
    await expect(requireDatabase(clientOf({ ...settings, keyPrefix: "x:" }), 2_000)).rejects.toMatchObject({
      code: "ERR_CONFIGURATION",
    });
  });
});
