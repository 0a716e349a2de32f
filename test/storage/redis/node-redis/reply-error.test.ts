import { expect, test } from "vitest";
import { namedReplyError } from "../../../../src/storage/redis/node-redis/reply-error.ts";
import { redisFailure } from "../../../../src/storage/redis/redis-failure.ts";

test.each([
  [new Error("WRONGTYPE Operation against a key"), "ERR_CORRUPT_RECORD", undefined],
  [new Error("NOPERM this user has no permissions"), "ERR_STORAGE_UNAUTHORIZED", "none"],
  [new Error("ERR unknown command"), "ERR_STORAGE_REJECTED", "none"],
  [new Error("Socket closed unexpectedly"), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [new Error("Disconnects client"), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [Object.assign(new Error("ECONNRESET by peer"), { code: "ECONNRESET" }), "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [new Error("The client is offline"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [new Error("The client is closed"), "ERR_STORAGE_UNAVAILABLE", "none"],
  [new Error("The queue is full"), "ERR_STORAGE_UNAVAILABLE", "none"],
])("a write that node-redis fails with %s is %s, effect %s", (error, code, effect) => {
  const failure = redisFailure(namedReplyError(error), "set", ["k"]);
  expect(failure).toMatchObject({ code, ...(effect !== undefined && { effect }) });
});
