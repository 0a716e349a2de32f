import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  CorruptRecordError,
  StorageNotReplicatedError,
  StorageRejectedError,
  StorageUnauthorizedError,
  StorageUnavailableError,
} from "../../../src/errors.ts";
import {
  connectionFailure,
  isRefused,
  notUtf8,
  redisFailure,
  replyCode,
  repositoryClosed,
  scrubbed,
  timedOut,
} from "../../../src/storage/redis/redis-failure.ts";

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
    ["DENIED Redis is running in protected mode because protected mode is enabled", "ERR_STORAGE_UNAUTHORIZED"],
    ["ERR max number of clients reached", "ERR_STORAGE_UNAVAILABLE"],
    ["ERR max number of clients + cluster connections reached", "ERR_STORAGE_UNAVAILABLE"],
    [
      "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?",
      "ERR_STORAGE_UNAUTHORIZED",
    ],
    ["ERR Client sent AUTH, but no password is set", "ERR_STORAGE_UNAUTHORIZED"],
    ["ERR This instance has cluster support disabled", "ERR_STORAGE_REJECTED"],
    ["OOM command not allowed when used memory > 'maxmemory'.", "ERR_STORAGE_REJECTED"],
    ["CROSSSLOT Keys in request don't hash to the same slot", "ERR_STORAGE_REJECTED"],
    ["ERR unknown command 'GETDEL', with args beginning with: 'token:key-1' ", "ERR_STORAGE_REJECTED"],
    ["ERR syntax error", "ERR_STORAGE_REJECTED"],
    ["ERR DB index is out of range", "ERR_STORAGE_REJECTED"],
    ["NOSUCHCODE of a later version", "ERR_STORAGE_REJECTED"],
  ])("%s is of the taxonomy and has had no effect", (message, code) => {
    const failure = redisFailure(errorReply(message), "set", ["token:key-1"]);
    expect(failure).toMatchObject({ code, effect: "none" });
    expect(replyCode(failure.cause)).toBe(replyCode(errorReply(message)));
  });

  test.each([
    ["an error of another kind", Object.assign(new Error("READONLY text"), { name: "Error" })],
    ["a reply without a code", errorReply("read only")],
    ["a reply with a code that is part of a word", errorReply("READONLYx You can't write")],
    ["a reply whose code is not its first word", errorReply("it is READONLY now")],
    ["a text", "READONLY text"],
    ["nothing", undefined],
    ["null", null],
    ["something that is no error", { name: "ReplyError", message: "READONLY text" }],
  ])("%s does not say that nothing was done", (_, thrown) => {
    const failure = redisFailure(thrown, "set", ["token:key-1"]);
    expect(failure).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown", cause: expect.any(Error) });
  });

  test("may be a code alone", () => {
    expect(redisFailure(errorReply("NOAUTH"), "get", ["k"])).toMatchObject({ code: "ERR_STORAGE_UNAUTHORIZED" });
  });

  test("WRONGTYPE is a corrupt record, under the hash of its key", () => {
    const error = redisFailure(errorReply("WRONGTYPE Operation against a key"), "get", ["token:key-1"]);
    expect(error).toMatchObject({ code: "ERR_CORRUPT_RECORD", cause: expect.any(Error) });
    expect(error.message).toMatch(/sha256-[A-Za-z0-9+/]{43}=/);
  });

  test("leaves neither key nor record in the error or its cause", () => {
    for (const message of [
      "ERR unknown command 'GETDEL', with args beginning with: 'token:key-1' ",
      'ERR unknown command "GETDEL", with args beginning with: "token:key-1" ',
      "ERR unknown command `GETDEL`, with args beginning with: `token:key-1` ",
      "WRONGTYPE x",
    ]) {
      const printed = inspect(redisFailure(errorReply(message), "set", ["token:key-1"]), { depth: 10 });
      expect(printed).not.toContain("key-1");
      expect(printed).not.toContain("the-secret-record");
    }
  });
});

describe("a connection that is lost", () => {
  test.each(["set", "add", "delete", "take", "publish"] as const)("leaves the effect of a %s unknown", (operation) => {
    const error = redisFailure(new Error("Connection is closed."), operation, ["token:key-1"]);
    expect(error).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "unknown" });
    expect(timedOut(operation)).toMatchObject({ code: "ERR_STORAGE_TIMEOUT", effect: "unknown" });
  });

  test.each(["get", "scan", "subscribe"] as const)("has no effect under a %s", (operation) => {
    const error = redisFailure(new Error("Connection is closed."), operation, ["token:key-1"]);
    expect(error).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none" });
    expect(timedOut(operation)).toMatchObject({ code: "ERR_STORAGE_TIMEOUT", effect: "none" });
  });

  test.each([
    ["Stream isn't writeable and enableOfflineQueue options is false", "none"],
    ["Cluster isn't ready and enableOfflineQueue options is false", "none"],
    ["None of startup nodes is available", "none"],
    ["Connection in subscriber mode, only subscriber commands may be used", "none"],
    ["The client is closed", "none"],
    ["The client is offline", "none"],
    ["The client is busy", "unknown"],
    ["The queue is full", "none"],
    ["All the root nodes are unavailable", "none"],
    ["Unable to execute requests; the client is closed. Please create a new client.", "none"],
    ["Reached maximum inflight requests", "none"],
    ["It is said - FatalSendError: channel closed", "none"],
    ["It is said - AllConnectionsUnavailable: none", "none"],
    ["It is said - ConnectionNotFoundForRoute: none", "none"],
    ["It is said - CircuitBreakerOpen: open", "none"],
    ["It is said that Cluster isn't ready", "unknown"],
  ])("where the client says %j has the effect %s", (message, effect) => {
    expect(redisFailure(new Error(message), "set", ["token:key-1"])).toMatchObject({
      code: "ERR_STORAGE_UNAVAILABLE",
      effect,
    });
  });

  test("keeps what the system said as the cause", () => {
    const refused = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:6379"), { code: "ECONNREFUSED" });
    for (const failure of [redisFailure(refused, "get", ["k"]), connectionFailure(refused)]) {
      expect(failure.cause).toMatchObject({ name: "Error", code: "ECONNREFUSED", message: refused.message });
    }
    expect(redisFailure(Object.assign(new Error("odd"), { code: 1 }), "get", ["k"]).cause).not.toHaveProperty("code");
  });
});

describe("a connection that cannot be made", () => {
  test.each([
    ["ERR_SSL_WRONG_VERSION_NUMBER"],
    ["ERR_TLS_CERT_ALTNAME_INVALID"],
    ["CERT_HAS_EXPIRED"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  ])("for its TLS says so: %s", (code) => {
    const failure = connectionFailure(Object.assign(new Error("x"), { code }));
    expect(failure).toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE", effect: "none", cause: { code } });
    expect(failure.message).not.toBe(connectionFailure(undefined).message);
  });

  test.each([
    ["of which nobody says why", undefined, "ERR_STORAGE_UNAVAILABLE"],
    ["since the network fails", new Error("connect ETIMEDOUT"), "ERR_STORAGE_UNAVAILABLE"],
    [
      "since Redis refuses the login",
      errorReply("WRONGPASS invalid username-password pair"),
      "ERR_STORAGE_UNAUTHORIZED",
    ],
    // ioredis has a reply of Redis for it, node-redis an error of its own.
    ["since there is no such database", errorReply("ERR DB index is out of range"), "ERR_STORAGE_REJECTED"],
    [
      "since there is no such database, as node-redis says it",
      new Error("DB index is out of range"),
      "ERR_STORAGE_REJECTED",
    ],
    ["since something that is no error was thrown", "DB index is out of range", "ERR_STORAGE_UNAVAILABLE"],
  ])("%s is a failure without an effect", (_, error, code) => {
    const failure = connectionFailure(error);
    expect(failure).toMatchObject({ code, effect: "none" });
    expect(failure.cause instanceof Error).toBe(error !== undefined);
    expect(Object.hasOwn(failure, "cause")).toBe(error !== undefined);
  });
});

test("the client's own commandTimeout is a timeout", () => {
  expect(redisFailure(new Error("Command timed out"), "take", ["k"])).toMatchObject({
    code: "ERR_STORAGE_TIMEOUT",
    effect: "unknown",
    cause: expect.any(Error),
  });
  expect(timedOut("take")).not.toHaveProperty("cause");
});

test("a failure that has been told of is given on as it is", () => {
  const failure = new StorageNotReplicatedError("Too few replicas have it.");
  expect(redisFailure(failure, "set", ["k"])).toBe(failure);
});

test.each([
  ["is a refusal", new StorageUnauthorizedError("no", { effect: "none" }), true],
  ["is a refusal", new StorageRejectedError("no", { effect: "none" }), true],
  ["is an outage", new StorageUnavailableError("no", { effect: "none" }), false],
  ["is about one record", new CorruptRecordError("no"), false],
  ["is no failure of a store", new Error("no"), false],
  ["is nothing", undefined, false],
])("what %s: %s", (_, failure, expected) => {
  expect(isRefused(failure)).toBe(expected);
});

test("a record that is not UTF-8 is corrupt, and a call of a closed repository has no effect", () => {
  expect(notUtf8("token:key-1")).toMatchObject({ code: "ERR_CORRUPT_RECORD" });
  expect(repositoryClosed()).toMatchObject({ code: "ERR_STORAGE_CLOSED", effect: "none" });
});

describe("what is kept of an error of a client", () => {
  test("is its name, its code and what it says", () => {
    const error = Object.assign(new TypeError("Stream isn't writeable"), {
      code: "EPIPE",
      secret: "the-secret-record",
    });
    const kept = scrubbed(error);
    expect(kept).not.toBe(error);
    expect(kept).toMatchObject({ name: "TypeError", message: "Stream isn't writeable", code: "EPIPE" });
    expect(kept).not.toHaveProperty("secret");
  });

  test.each(["text", undefined, { message: "the-secret-record" }])("is an error where %j was thrown", (thrown) => {
    const kept = scrubbed(thrown);
    expect(kept).toBeInstanceOf(Error);
    expect(inspect(kept)).not.toContain("the-secret-record");
  });
});
