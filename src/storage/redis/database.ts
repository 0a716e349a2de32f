import { ConfigurationError, StorageUnauthorizedError } from "../../errors.ts";
import type { Finding } from "../finding.ts";
import { CommandSender } from "./command-sender.ts";
import { clientSetting, isRedisCluster, type RedisConnection, type RedisLike } from "./redis-like.ts";
import { type OtherRedisClient, repositoryPort } from "./redis-port.ts";

/** A connection that can be asked anything. */
interface CallableConnection extends RedisConnection {
  call(command: string, ...parameters: string[]): Promise<unknown>;
}

/**
 * Compares the database that a client is set to with the one that its connection is on. A client of ioredis whose SELECT
 * is refused goes on in database 0, and says so by an error event alone.
 *
 * @param ask - Sends a command, by its deadline.
 * @returns Undefined where neither is known: on a Cluster, which has one database, where the client does not show its
 * settings, and where the user may not ask.
 * @throws {StorageFailure} when Redis does not answer.
 */
export async function databaseFinding(
  client: RedisConnection,
  ask: <T>(send: () => Promise<T>) => Promise<T>,
): Promise<Finding | undefined> {
  if (isRedisCluster(client) || !isCallable(client) || client.options === undefined) return undefined;
  // The setting's name in ioredis, and in node-redis.
  const meant = clientSetting(client, "db") ?? clientSetting(client, "database") ?? 0;
  if (typeof meant !== "number") return undefined;
  const actual = await databaseOf(client, ask);
  if (actual === undefined) return undefined;
  const check = "store-database";
  if (actual === meant)
    return { check, status: "ok", what: `Records are in database ${actual} of Redis, as the client is set.` };
  const isNumber = Number.isSafeInteger(meant) && meant >= 0;
  return {
    check,
    status: "error",
    what: isNumber
      ? `The client is set to database ${meant}, which this Redis does not have; it works in database ${actual}.`
      : `The client is set to a database that is no number; it works in database ${actual}.`,
    why: "Records are read and written in another place than was meant, among those of others.",
    remedy: isNumber
      ? "Give the number of a database that there is: most servers have 0 to 15, by their setting databases."
      : "End the address in the number of a database, such as redis://host:6379/0.",
  };
}

/** What to say of commands that are not sent, for they would go to another database than the client is set to. */
export function noSuchDatabase(database: number): string {
  return `Redis did not let the client into database ${database}, to which it is set, and another one is not written to. Give the number of a database that there is: most servers have 0 to 15, by their setting databases.`;
}

/** What the server says, or undefined where the user may not ask. */
async function databaseOf(
  client: CallableConnection,
  ask: <T>(send: () => Promise<T>) => Promise<T>,
): Promise<number | undefined> {
  try {
    const information = String(await ask(() => client.call("CLIENT", "INFO")));
    const [, database] = /(?:^| )db=(\d+)(?: |$)/m.exec(information) ?? [];
    return database === undefined ? undefined : Number(database);
  } catch (failure) {
    if (failure instanceof StorageUnauthorizedError && isReply(failure.cause)) return undefined;
    throw failure;
  }
}

/** A refusal of the command itself, in place of one of the connection. */
function isReply(cause: unknown): boolean {
  return cause instanceof Error && cause.message.startsWith("NOPERM");
}

/**
 * Makes sure that a client works in the database that it is set to, before anything is written.
 *
 * @param timeout - How long the question may take, the wait for a connection included, in milliseconds.
 * @throws {ConfigurationError} when it works in another one.
 * @throws {StorageFailure} when Redis cannot be reached, or does not answer.
 */
export async function requireDatabase(client: RedisLike | OtherRedisClient, timeout: number): Promise<void> {
  const redis = repositoryPort(client);
  const sender = new CommandSender(redis, timeout);
  try {
    const finding = await databaseFinding(redis, (send) => sender.send({ operation: "get", redisKeys: [], send }));
    if (finding?.status === "error") throw new ConfigurationError(`${finding.what} ${finding.remedy}`);
  } finally {
    await sender.close();
  }
}

function isCallable(client: RedisConnection): client is CallableConnection {
  return "call" in client && typeof client.call === "function";
}
