import { clusterKeySlot } from "./cluster-key-slot.ts";
import { clientSetting, isRedisCluster, type RedisClusterLike, type RedisLike, type RedisNode } from "./redis-like.ts";

/** The master that serves a key, as far as the Cluster client knows; `undefined` where it has to find out. */
export function masterOfKey(cluster: RedisClusterLike, redisKey: string): RedisNode | undefined {
  if (cluster.masterOfSlot !== undefined) return cluster.masterOfSlot(clusterKeySlot(redisKey));
  const address = cluster.slots[clusterKeySlot(redisKey)]?.[0];
  return cluster
    .nodes("master")
    .find((node) => `${clientSetting(node, "host")}:${clientSetting(node, "port")}` === address);
}

/** The nodes that a question about the server goes to: the masters of a Cluster, or the client's one server. */
export async function serversOf(redis: RedisLike): Promise<readonly object[]> {
  if (!isRedisCluster(redis)) return [redis];
  return redis.findMasters === undefined ? redis.nodes("master") : redis.findMasters();
}
