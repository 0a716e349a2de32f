import {
  CorruptRecordError,
  StorageClosedError,
  StorageError,
  StorageRejectedError,
  StorageTimeoutError,
  StorageUnauthorizedError,
  StorageUnavailableError,
  type WriteEffect,
} from "../../errors.ts";
import { tokenKey } from "../../secrets/storage-key.ts";
import { tlsFaultOf } from "../tls-failure.ts";

/** What was asked of Redis. */
export type RedisOperation = "get" | "scan" | "set" | "add" | "delete" | "take" | "publish" | "subscribe";

type FailureClass = new (message: string, options: { effect: WriteEffect; cause: unknown }) => StorageError;

type Meaning = readonly [failure: FailureClass, message: string];

const unavailable = (message: string): Meaning => [StorageUnavailableError, message];
const unauthorized = (message: string): Meaning => [StorageUnauthorizedError, message];
const rejected = (message: string): Meaning => [StorageRejectedError, message];

/** Error replies by their first word. With any of them Redis has not carried out the command. */
const replyMeanings: ReadonlyMap<string, Meaning> = new Map([
  ["READONLY", unavailable("This Redis is a replica now and takes no writes; connect to the new primary.")],
  ["LOADING", unavailable("Redis is loading its data; try again when it is done.")],
  ["MASTERDOWN", unavailable("This replica has lost its primary; try again after the failover.")],
  ["NOREPLICAS", unavailable("Redis has fewer replicas than min-replicas-to-write asks for; bring them back.")],
  ["MISCONF", unavailable("Redis cannot save to its disk and takes no writes; look at its log.")],
  ["BUSY", unavailable("Redis is busy with a script; try again when it is done.")],
  ["CLUSTERDOWN", unavailable("The Redis Cluster is down; try again when every slot is served.")],
  ["TRYAGAIN", unavailable("The Redis Cluster is moving the slot; try again.")],
  ["MOVED", unavailable("The slot has moved to another node; connect with a Cluster client.")],
  ["ASK", unavailable("The slot is moving to another node; connect with a Cluster client.")],
  ["NOAUTH", unauthorized("Redis asks for a password; give the client its username and password.")],
  ["WRONGPASS", unauthorized("Redis refused the username or password; check the client's settings.")],
  [
    "DENIED",
    unauthorized("Redis is in protected mode and answers its own machine alone; give it a password, and bind it."),
  ],
  ["NOPERM", unauthorized("This Redis user may not run the command or touch the key; check its ACL.")],
  [
    "OOM",
    rejected("Redis is at its maxmemory; give it memory. An eviction policy would drop what must be remembered."),
  ],
  ["CROSSSLOT", rejected("The keys are not in one slot; connect with a Cluster client.")],
  ["NOPROTO", rejected("Redis does not speak the client's protocol version; set the client's `protocol` to 2.")],
]);

/** Error replies that have no code of their own, by what they say. With any of them Redis has not carried out the command. */
const wordedMeanings: readonly (readonly [words: RegExp, Meaning])[] = [
  [/max number of clients/i, unavailable("Redis takes no more connections; raise maxclients, or close some.")],
  [
    /without any password configured|no password is set/i,
    unauthorized("Redis has no password, and the client gives one: take it out of the client's settings."),
  ],
  [
    /cluster support disabled/i,
    rejected("This Redis is no Cluster: connect with a client for one server, not with a Cluster client."),
  ],
];

/** What the client itself says when it could not write the command. */
const neverWritten = new RegExp(
  `^(${[
    // ioredis
    "Stream isn't writeable",
    "Cluster isn't ready",
    "None of startup nodes",
    "Connection in subscriber mode",
    // node-redis
    "The client is (closed|offline)",
    "The queue is full",
    "All the root nodes are unavailable",
    // Valkey GLIDE
    "Unable to execute requests; the client is closed",
    "Reached maximum inflight requests",
    ".*(FatalSendError|AllConnectionsUnavailable|ConnectionNotFoundForRoute|CircuitBreakerOpen): ",
  ].join("|")})`,
);

/** The error code at the head of an error reply: `WRONGTYPE Operation against …`. */
export function replyCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== "ReplyError") return undefined;
  return /^[A-Z]+(?= |$)/.exec(error.message)?.[0];
}

/**
 * Says what a client's error means.
 *
 * The client's error is not kept as the cause: ioredis hangs the command on it with all its arguments, the record among
 * them. Its name, code and the message up to anything quoted are.
 *
 * @param operation - What was asked. A read has no effect, however it ends.
 * @param redisKeys - The keys in Redis. The first appears as its SHA-256 where there is one only.
 */
export function redisFailure(error: unknown, operation: RedisOperation, redisKeys: readonly string[]): StorageError {
  if (error instanceof StorageError) return error;
  const cause = scrubbed(error);
  const code = replyCode(error);
  if (code === "WRONGTYPE") {
    return new CorruptRecordError(
      `What Redis holds under ${keyOf(redisKeys)} is not a string, so no record of this repository; delete it.`,
      { cause },
    );
  }
  if (code !== undefined) {
    const [Failure, message] = replyMeanings.get(code) ?? meaningByWords(error) ?? rejected(rejectionMessage(error));
    return new Failure(message, { effect: "none", cause });
  }

  const message = error instanceof Error ? error.message : "";
  if (message === "Command timed out") return timedOut(operation, cause);
  const effect = neverWritten.test(message) ? "none" : effectOf(operation);
  return new StorageUnavailableError(
    effect === "none"
      ? "The connection to Redis was lost; nothing was changed. Try again."
      : "The connection to Redis was lost before its answer; the change may have been made.",
    { effect, cause },
  );
}

function meaningByWords(error: unknown): Meaning | undefined {
  const message = error instanceof Error ? error.message : "";
  return wordedMeanings.find(([words]) => words.test(message))?.[1];
}

/** The error of a record whose bytes are not UTF-8, so that the text read is not what Redis holds. */
export function notUtf8(redisKey: string): CorruptRecordError {
  return new CorruptRecordError(
    `The record under ${keyOf([redisKey])} is not UTF-8, so it cannot be replaced; delete it.`,
  );
}

function keyOf(redisKeys: readonly string[]): string {
  const [only, ...others] = redisKeys;
  return only !== undefined && others.length === 0 ? `the key ${tokenKey(only)}` : "one of the keys";
}

/** The error of a command that was sent and not answered in time. */
export function timedOut(operation: RedisOperation, cause?: unknown): StorageTimeoutError {
  const effect = effectOf(operation);
  return new StorageTimeoutError(
    effect === "none"
      ? "Redis did not answer before the timeout. Try again."
      : "Redis did not answer before the timeout; the change may have been made or may yet be made.",
    cause === undefined ? { effect } : { effect, cause },
  );
}

/** Redis will not run the command for this user, or does not know it; in either case it has done nothing. */
export function isRefused(error: unknown): boolean {
  return error instanceof StorageUnauthorizedError || error instanceof StorageRejectedError;
}

/** The error of a command that was not sent, since its repository was closed. */
export function repositoryClosed(): StorageClosedError {
  return new StorageClosedError("The repository was closed; create a new one.", { effect: "none" });
}

/** The error of a command that was not sent, since connecting failed with the given error. */
export function connectionFailure(error: unknown): StorageError {
  if (isMissingDatabase(error))
    return new StorageRejectedError(missingDatabase, { effect: "none", cause: scrubbed(error) });
  if (replyCode(error) !== undefined) return redisFailure(error, "get", []);
  const cause = error === undefined ? undefined : scrubbed(error);
  const fault = tlsFaultOf(cause);
  return new StorageUnavailableError(
    fault !== undefined
      ? `The TLS of the connection to Redis failed. ${fault.advice} The client's options for it are \`tls\`.`
      : unreachedOf(cause?.code),
    { effect: "none", ...(cause !== undefined && { cause }) },
  );
}

/** A port that speaks something else than Redis breaks off, and says nothing. */
function unreachedOf(code: string | undefined): string {
  const unreached = "Redis cannot be reached; the client goes on trying to connect.";
  return code === "ECONNRESET" || code === undefined
    ? `${unreached} See that it runs at the client's host and port, and whether that port wants TLS (rediss://) or none.`
    : `${unreached} See that it runs at the client's host and port.`;
}

function effectOf(operation: RedisOperation): WriteEffect {
  return operation === "get" || operation === "scan" || operation === "subscribe" ? "none" : "unknown";
}

const missingDatabase =
  "Redis has no database of the number that the client is set to: look at the end of its address. Most servers have 0 to 15.";

/** What Redis answers to SELECT. node-redis makes no connection then. */
function isMissingDatabase(error: unknown): boolean {
  return error instanceof Error && error.message.includes("DB index is out of range");
}

function rejectionMessage(error: unknown): string {
  if (isMissingDatabase(error)) return missingDatabase;
  const unknownCommand = error instanceof Error && /unknown command|syntax error/i.test(error.message);
  return unknownCommand
    ? "Redis does not know the command: version 6.2 or later is needed (GETDEL, EVAL)."
    : "Redis refused the command.";
}

/** A stand-in for the client's error that holds neither a key nor a record. */
export function scrubbed(error: unknown): Error & { readonly code?: string } {
  if (!(error instanceof Error)) return new Error("The Redis client threw something that is not an error.");
  const quotesArguments = error.name === "ReplyError";
  const [unquoted = ""] = quotesArguments ? error.message.split(/['"`]/, 1) : [error.message];
  const copy: Error & { code?: string } = new Error(unquoted.trim());
  copy.name = error.name;
  if ("code" in error && typeof error.code === "string") copy.code = error.code;
  return copy;
}
