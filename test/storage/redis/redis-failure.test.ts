import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { redisFailure } from "../../../src/storage/redis/redis-failure.ts";

/** An error reply as ioredis gives it out, with the command and all its arguments on it. */
function errorReply(message: string): Error {
  const error = Object.assign(new Error(message), {
    command: { name: "set", args: ["token:key-1", "the-secret-record"] },
  });
  error.name = "ReplyError";
  return error;
}

describe("what Redis answers with", () => {
  test.each([
    ["READONLY You can't write against a read only replica.", "ERR_STORAGE_UNAVAILABLE"],
    ["LOADING Redis is loading the dataset in memory", "ERR_STORAGE_UNAVAILABLE"],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "ERR_STORAGE_UNAVAILABLE"],
    ["NOREPLICAS Not enough good replicas to write.", "ERR_STORAGE_UNAVAILABLE"],
    ["MISCONF Redis is configured to save RDB snapshots", "ERR_STORAGE_UNAVAILABLE"],
    ["BUSY Redis is busy running a script.", "ERR_STORAGE_UNAVAILABLE"],
    ["CLUSTERDOWN The cluster is down", "ERR_STORAGE_UNAVAILABLE"],
    ["TRYAGAIN Multiple keys request during rehashing of slot", "ERR_STORAGE_UNAVAILABLE"],
    ["MOVED 3999 127.0.0.1:6381", "ERR_STORAGE_UNAVAILABLE"],
    ["ASK 3999 127.0.0.1:6381", "ERR_STORAGE_UNAVAILABLE"],
    ["NOAUTH Authentication required.", "ERR_STORAGE_UNAUTHORIZED"],
    ["WRONGPASS invalid username-password pair or user is disabled.", "ERR_STORAGE_UNAUTHORIZED"],
    ["NOPERM User default has no permissions to run the 'set' command", "ERR_STORAGE_UNAUTHORIZED"],
    ["OOM command not allowed when used memory > 'maxmemory'.", "ERR_STORAGE_REJECTED"],
    ["CROSSSLOT Keys in request don't hash to the same slot", "ERR_STORAGE_REJECTED"],
    ["ERR unknown command 'GETDEL', with args beginning with: 'token:key-1' ", "ERR_STORAGE_REJECTED"],
    ["ERR syntax error", "ERR_STORAGE_REJECTED"],
  ])("%s is of the taxonomy and has had no effect", (message, code) => {
    expect(redisFailure(errorReply(message), "set", ["token:key-1"])).toMatchObject({ code, effect: "none" });
  });

  test("WRONGTYPE is a corrupt record, under the hash of its key", () => {
    const error = redisFailure(errorReply("WRONGTYPE Operation against a key"), "get", ["token:key-1"]);
    expect(error.code).toBe("ERR_CORRUPT_RECORD");
    expect(error.message).toMatch(/sha256-[A-Za-z0-9+/]{43}=/);
  });

  test("leaves neither key nor record in the error or its cause", () => {
    for (const message of ["ERR unknown command 'GETDEL', with args beginning with: 'token:key-1' ", "WRONGTYPE x"]) {
      const printed = inspect(redisFailure(errorReply(message), "set", ["token:key-1"]), { depth: 10 });
      expect(printed).not.toContain("key-1");
      expect(printed).not.toContain("the-secret-record");
    }
  });
});

describe("a connection that is lost", () => {
  test.each(["set", "add", "delete", "take"] as const)("leaves the effect of a %s unknown", (operation) => {
    const error = redisFailure(new Error("Connection is closed."), operation, ["token:key-1"]);
    expect(error).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown" });
  });

  test("has no effect under a get", () => {
    const error = redisFailure(new Error("Connection is closed."), "get", ["token:key-1"]);
    expect(error).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
  });

  test("has no effect where the client says that it wrote nothing", () => {
    const error = redisFailure(new Error("Stream isn't writeable and enableOfflineQueue options is false"), "set", [
      "token:key-1",
    ]);
    expect(error).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
  });

  test("keeps what the system said as the cause", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:6379"), { code: "ECONNREFUSED" });
    expect(redisFailure(refused, "get", ["k"]).cause).toMatchObject({ code: "ECONNREFUSED", message: refused.message });
  });
});

test("the client's own commandTimeout is a timeout", () => {
  expect(redisFailure(new Error("Command timed out"), "take", ["k"])).toMatchObject({
    code: "ERR_STORAGE_TIMEOUT",
    effect: "unknown",
  });
});
