import { ConfigurationError } from "../errors.ts";
import { nodeRedisOptions } from "../storage/redis/node-redis/node-redis-options.ts";
import type { RedisLike } from "../storage/redis/redis-like.ts";
import { type PatienceOptions, redisOptions } from "../storage/redis/redis-options.ts";
import type { OtherRedisClient } from "../storage/redis/redis-port.ts";

/** A client that a command has opened. What fails is told by the calls that need its connection. */
interface OpenRedisClient {
  readonly client: RedisLike | OtherRedisClient;
  end(): void;
}

/** The libraries that a client can come from, in the order in which they are tried. */
const libraries = { ioredis: () => import("ioredis"), redis: () => import("redis") };

/**
 * Opens a client of whichever library is installed: ioredis, or node-redis (the package `redis`).
 *
 * @param missing - What to say where none is.
 * @throws {ConfigurationError} when neither is installed.
 */
export async function openRedisClient(
  url: string,
  missing: (name: string) => string,
  patience: PatienceOptions = {},
  load = libraries,
): Promise<OpenRedisClient> {
  const ioredis = await whereInstalled(load.ioredis);
  if (ioredis !== undefined) {
    const redis = new ioredis.Redis(url, redisOptions(patience));
    redis.on("error", () => {});
    return { client: redis, end: () => redis.disconnect() };
  }
  const nodeRedis = await whereInstalled(load.redis);
  if (nodeRedis === undefined) throw new ConfigurationError(missing("ioredis"));
  const client = nodeRedis.createClient({ url, ...nodeRedisOptions(patience) });
  client.on("error", () => {});
  client.connect().catch(() => {});
  return { client, end: () => client.destroy() };
}

async function whereInstalled<Module>(load: () => Promise<Module>): Promise<Module | undefined> {
  try {
    return await load();
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ERR_MODULE_NOT_FOUND") return undefined;
    throw cause;
  }
}
