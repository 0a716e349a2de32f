import { once } from "node:events";
import { Cluster, Redis } from "ioredis";
import { clusterOptions, type PatienceOptions, redisOptions } from "../../src/storage/redis/redis-options.ts";

type ServerAddress = { readonly port: number } | { readonly url: string };

/** A client that is disconnected at the end of the block that uses it. */
export type UsedClient<C extends Redis | Cluster> = C & Disposable;

/** Lets a client that reports its errors through its calls be disconnected by `using`. */
export function usedClient<C extends Redis | Cluster>(client: C): UsedClient<C> {
  client.on("error", () => undefined);
  return Object.assign(client, { [Symbol.dispose]: () => client.disconnect() });
}

/** A client with the recommended settings, which connects by itself. Its calls report what its error events would. */
export function redisClient(to: ServerAddress, patience: PatienceOptions = {}): UsedClient<Redis> {
  const options = redisOptions(patience);
  const redis = "url" in to ? new Redis(to.url, options) : new Redis(to.port, "127.0.0.1", options);
  return usedClient(redis);
}

/** The same, once it is connected. */
export async function connectRedis(to: ServerAddress): Promise<UsedClient<Redis>> {
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
): Promise<UsedClient<Cluster>> {
  const startupNodes = nodes.map(({ host, port }) => natMap[`${host}:${port}`] ?? { host, port });
  const cluster = usedClient(new Cluster(startupNodes, { ...clusterOptions(), natMap }));
  await once(cluster, "ready");
  return cluster;
}
