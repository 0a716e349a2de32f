import { clusterKeySlot } from "./cluster-key-slot.ts";
import type { CommandSender } from "./command-sender.ts";
import { clientSetting, isRedisCluster, type RedisClusterLike, type RedisLike, type RedisNode } from "./redis-like.ts";

/** The master that serves a key, as far as the Cluster client knows; `undefined` where it has to find out. */
export function masterOfKey(cluster: RedisClusterLike, redisKey: string): RedisNode | undefined {
  if (cluster.masterOfSlot !== undefined) return cluster.masterOfSlot(clusterKeySlot(redisKey));
  const address = cluster.slots[clusterKeySlot(redisKey)]?.[0];
  return cluster
    .nodes("master")
    .find((node) => `${clientSetting(node, "host")}:${clientSetting(node, "port")}` === address);
}

/**
 * The nodes that a question about the server goes to: the masters of a Cluster, or the client's one server.
 *
 * @throws {StorageFailure} when the client has to ask for them, and Redis does not answer.
 */
export async function serversOf(redis: RedisLike, sender: CommandSender): Promise<readonly object[]> {
  if (!isRedisCluster(redis)) return [redis];
  return foundMasters(redis, sender) ?? redis.nodes("master");
}

/** The masters, where the client has to ask for them; `undefined` where it knows them. */
export function foundMasters(cluster: RedisClusterLike, sender: CommandSender): Promise<RedisNode[]> | undefined {
  const find = cluster.findMasters?.bind(cluster);
  return find && sender.send({ operation: "scan", redisKeys: [], send: find });
}
