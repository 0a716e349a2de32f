import { StorageError } from "../../errors.ts";
import { databaseFinding, noSuchDatabase } from "./database.ts";
import { clientSetting, isRedisCluster, type RedisConnection } from "./redis-like.ts";

/** Where the commands of a client go. */
export interface DatabasePlace {
  /** Why no command may be sent; undefined where the client is in the database that it is set to. */
  readonly refusal: string | undefined;
}

/** What is known of each client: several repositories may share one, and its listeners are added once. */
const places = new WeakMap<object, { refusal: string | undefined }>();

/**
 * Watches whether a client gets into the database that it is set to. One of ioredis whose SELECT is refused says so by an
 * error event alone and goes on in database 0, among the records of others.
 *
 * @param ask - Sends a command, by its deadline: for a client that has connected before.
 */
export function watchDatabase(
  redis: RedisConnection,
  ask: <T>(send: () => Promise<T>) => Promise<T>,
): DatabasePlace | undefined {
  const database = clientSetting(redis, "db");
  if (isRedisCluster(redis) || typeof database !== "number" || database === 0) return undefined;
  const known = places.get(redis);
  if (known !== undefined) return known;
  const place: { refusal: string | undefined } = { refusal: undefined };
  places.set(redis, place);
  // Every connection asks for its database anew.
  redis.on("connect", () => {
    place.refusal = undefined;
  });
  redis.on("error", (error) => {
    if (isOfSelect(error)) place.refusal = noSuchDatabase(database);
  });
  if (redis.status === "ready") {
    databaseFinding(redis, ask).then(
      (finding) => {
        if (finding?.status === "error") place.refusal = noSuchDatabase(database);
      },
      (failure: unknown) => {
        // Commands that matter tell of the same failure themselves.
        if (!(failure instanceof StorageError)) throw failure;
      },
    );
  }
  return place;
}

/** ioredis gives the error of a reply the command that it answers. */
function isOfSelect(error: unknown): boolean {
  if (!(error instanceof Error) || error.name !== "ReplyError" || !("command" in error)) return false;
  const { command } = error;
  return typeof command === "object" && command !== null && "name" in command && command.name === "select";
}
