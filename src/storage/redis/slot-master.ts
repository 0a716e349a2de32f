import { clusterKeySlot } from "./cluster-key-slot.ts";
import { clientSetting, type RedisClusterLike, type RedisNode } from "./redis-like.ts";

/** The master that serves a key, as far as the Cluster client knows; `undefined` where it has to find out. */
export function masterOfKey(cluster: RedisClusterLike, redisKey: string): RedisNode | undefined {
  const address = cluster.slots[clusterKeySlot(redisKey)]?.[0];
  return cluster
    .nodes("master")
    .find((node) => `${clientSetting(node, "host")}:${clientSetting(node, "port")}` === address);
}
