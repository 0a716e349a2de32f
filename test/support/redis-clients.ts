import { once } from "node:events";
import { Cluster, Redis } from "ioredis";
import { clusterOptions, type PatienceOptions, redisOptions } from "../../src/storage/redis/redis-options.ts";

type ServerAddress = { readonly port: number } | { readonly url: string };

/** A client with the recommended settings, which connects by itself. Its calls report what its error events would. */
export function redisClient(to: ServerAddress, patience: PatienceOptions = {}): Redis {
  const options = redisOptions(patience);
  const redis = "url" in to ? new Redis(to.url, options) : new Redis(to.port, "127.0.0.1", options);
  redis.on("error", () => undefined);
  return redis;
}

/** The same, once it is connected. */
export async function connectRedis(to: ServerAddress): Promise<Redis> {
  const redis = redisClient(to);
  await once(redis, "ready");
  return redis;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * A connected Cluster client with the recommended settings.
 *
 * @param natMap - Where the client is to connect instead, by the address that the nodes give themselves.
 */
export async function connectCluster(
  nodes: readonly Address[],
  natMap: Record<string, Address> = {},
): Promise<Cluster> {
  const startupNodes = nodes.map(({ host, port }) => natMap[`${host}:${port}`] ?? { host, port });
  const cluster = new Cluster(startupNodes, { ...clusterOptions(), natMap });
  cluster.on("error", () => undefined);
  await once(cluster, "ready");
  return cluster;
}
