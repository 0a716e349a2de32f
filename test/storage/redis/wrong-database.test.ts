import { describe, expect, test, vi } from "vitest";
import { StorageUnavailableError } from "../../../src/errors.ts";
import { SharedClient } from "../../../src/storage/redis/shared-client.ts";
import { watchDatabase } from "../../../src/storage/redis/wrong-database.ts";
import { errorReply, promisesSettled } from "../../support/scripted-connection.ts";
import { ScriptedCluster, ScriptedRedis } from "../../support/scripted-redis.ts";
import { unheardFailures } from "../../support/unheard-failures.ts";

const settings = { autoResendUnfulfilledCommands: false, db: 3 };
const outOfRange = () => errorReply("ERR DB index is out of range");
/** What ioredis tells of a SELECT that Redis has refused. */
const refusedSelect = () => Object.assign(outOfRange(), { command: { name: "select", args: ["3"] } });

/** A client that is set to database 3, and that says of its connection what the test says. */
function clientIn(database: number, status = "ready") {
  const redis = Object.assign(new ScriptedRedis(), { call: async () => `id=3 db=${database} sub=0` });
  redis.options = settings;
  redis.status = status;
  return redis;
}

const ask = <T>(send: () => Promise<T>): Promise<T> => send();

describe("the database of a client", () => {
  test.each<[string, () => ScriptedRedis, object]>([
    ["is set to none", () => new ScriptedRedis(), {}],
    ["is set to the first", () => new ScriptedRedis(), { db: 0 }],
    ["is set to what is no number", () => new ScriptedRedis(), { db: "3" }],
    ["is of a Cluster", () => new ScriptedCluster(1), { db: 3 }],
  ])("is not watched where the client %s", (_, make, options) => {
    const redis = make();
    redis.options = options;
    expect(watchDatabase(redis, ask)).toBeUndefined();
    expect(redis.eventNames()).toEqual([]);
  });

  test("is watched once, however many use the client", () => {
    const redis = clientIn(3, "connecting");
    const place = watchDatabase(redis, ask);
    expect(place).toEqual({ refusal: undefined });
    expect(watchDatabase(redis, ask)).toBe(place);
    expect([redis.listenerCount("error"), redis.listenerCount("connect")]).toEqual([1, 1]);
  });

  test.each<[string, unknown, boolean]>([
    ["a SELECT that is refused", refusedSelect(), true],
    ["another command that is refused", Object.assign(outOfRange(), { command: { name: "get" } }), false],
    ["a command without a name", Object.assign(outOfRange(), { command: {} }), false],
    ["a command that is a text", Object.assign(outOfRange(), { command: "select" }), false],
    ["a command that is a function", Object.assign(outOfRange(), { command: function select() {} }), false],
    ["no command", Object.assign(outOfRange(), { command: null }), false],
    ["a reply alone", outOfRange(), false],
    ["a SELECT that is lost", Object.assign(refusedSelect(), { name: "Error" }), false],
    ["what is no error", { name: "ReplyError", command: { name: "select" } }, false],
    ["nothing", undefined, false],
  ])("is another one after an error event of %s: %s, %s", (_, error, isRefused) => {
    const redis = clientIn(3, "connecting");
    const place = watchDatabase(redis, ask);
    redis.emit("error", error);
    expect(place?.refusal !== undefined).toBe(isRefused);
    // Every connection asks for its database anew.
    redis.emit("connect");
    expect(place?.refusal).toBeUndefined();
  });

  test.each([
    ["is asked of a client that has connected, which is in another one", 0, "ready", 1, true],
    ["is asked of a client that has connected, which is in its own", 3, "ready", 1, false],
    ["is not asked of a client that is connecting", 0, "connecting", 0, false],
  ])("%s", async (_, database, status, questions, isRefused) => {
    let asked = 0;
    const place = watchDatabase(clientIn(database, status), (send) => {
      asked++;
      return send();
    });
    await promisesSettled();
    expect(asked).toBe(questions);
    expect(place?.refusal !== undefined).toBe(isRefused);
  });

  test("is not known of a client that cannot be asked", async () => {
    const redis = new ScriptedRedis();
    redis.options = settings;
    const unheard = await unheardFailures(async () => {
      const place = watchDatabase(redis, ask);
      await promisesSettled();
      expect(place).toEqual({ refusal: undefined });
    });
    expect(unheard).toEqual([]);
  });

  const bug = new TypeError("a bug");
  test.each([
    ["a failure of the store, which commands tell of themselves", new StorageUnavailableError("no"), []],
    ["any other failure, which is not hidden", bug, [bug]],
  ])("is not known after %s", async (_, failure, expected) => {
    let place: object | undefined;
    const unheard = await unheardFailures(async () => {
      place = watchDatabase(clientIn(0), () => Promise.reject(failure));
    });
    expect(unheard).toEqual(expected);
    expect(place).toEqual({ refusal: undefined });
  });
});

describe("a client that is in another database than it is set to", () => {
  const refused = { code: "ERR_STORAGE_REJECTED", effect: "none" };

  test.each([
    ["says so by an error event", "connecting"],
    ["has connected before", "ready"],
  ])("is sent nothing that touches a record, where it %s", async (_, status) => {
    const redis = clientIn(0, status);
    const unheard = await unheardFailures(async () => {
      const { sender } = new SharedClient(redis);
      if (status === "connecting") {
        redis.emit("error", refusedSelect());
        redis.status = "ready";
      }
      await promisesSettled();
      const send = vi.fn(async () => "sent");
      await expect(sender.send({ operation: "get", redisKeys: ["k"], send })).rejects.toMatchObject(refused);
      await expect(sender.send({ operation: "scan", redisKeys: [], send })).rejects.toMatchObject(refused);
      expect(send).not.toHaveBeenCalled();
      // Such as a question about the server.
      expect(await sender.send({ operation: "get", redisKeys: [], send })).toBe("sent");
    });
    expect(unheard).toEqual([]);
  });

  test("is sent everything again once it is in its own", async () => {
    const redis = clientIn(3, "connecting");
    const { sender } = new SharedClient(redis);
    redis.emit("error", refusedSelect());
    redis.emit("connect");
    redis.status = "ready";
    const send = async () => "sent";
    expect(await sender.send({ operation: "get", redisKeys: ["k"], send })).toBe("sent");
    expect(await sender.send({ operation: "scan", redisKeys: [], send })).toBe("sent");
  });
});
