import { expect, test } from "vitest";
import { namedGlideFailure } from "../../../../src/storage/redis/glide/glide-failure.ts";
import { redisFailure } from "../../../../src/storage/redis/redis-failure.ts";

const said = "An error was signalled by the server: - ";

/** An error as GLIDE 2.5 gives it: its name is that of its class. */
function failure(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

test.each([
  [
    "RequestError",
    "WRONGTYPE: Operation against a key holding the wrong kind of value",
    "ERR_CORRUPT_RECORD",
    undefined,
  ],
  ["RequestError", "OOM: command not allowed when used memory > 'maxmemory'.", "ERR_STORAGE_REJECTED", "none"],
  ["RequestError", "NOREPLICAS: Not enough good replicas to write.", "ERR_STORAGE_UNAVAILABLE", "none"],
  ["RequestError", `${said}ReadOnly: You can't write against a read only replica.`, "ERR_STORAGE_UNAVAILABLE", "none"],
  ["RequestError", `${said}ResponseError: unknown command 'NOSUCH'`, "ERR_STORAGE_REJECTED", "none"],
  ["RequestError", "Reached maximum inflight requests", "ERR_STORAGE_UNAVAILABLE", "none"],
  ["TimeoutError", "timed out", "ERR_STORAGE_TIMEOUT", "unknown"],
  [
    "ConnectionError",
    "Received connection error `Failed to receive a response due to a fatal error - FatalReceiveError: channel closed`. Will attempt to reconnect",
    "ERR_STORAGE_UNAVAILABLE",
    "unknown",
  ],
  [
    "ConnectionError",
    "Received connection error `Failed to send the request to the server - FatalSendError: channel closed`. Will attempt to reconnect",
    "ERR_STORAGE_UNAVAILABLE",
    "none",
  ],
  ["ClosingError", "", "ERR_STORAGE_UNAVAILABLE", "unknown"],
  [
    "ClosingError",
    "Unable to execute requests; the client is closed. Please create a new client.",
    "ERR_STORAGE_UNAVAILABLE",
    "none",
  ],
])("a write that fails with %s: %s is %s, effect %s", (name, message, code, effect) => {
  const error = redisFailure(namedGlideFailure(failure(name, message)), "set", ["k"]);
  expect(error).toMatchObject({ code, ...(effect !== undefined && { effect }) });
});

test("what a reply quotes of the command is in no message", () => {
  const quoted = failure(
    "RequestError",
    `${said}ResponseError: unknown command 'GETDEL', with args beginning with: 'key'`,
  );
  const error = redisFailure(namedGlideFailure(quoted), "take", ["key"]);
  expect(JSON.stringify([error.message, String(error.cause)])).not.toContain("key");
});
