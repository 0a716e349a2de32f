import { ConfigurationError, StorageUnavailableError } from "../../errors.ts";
import type { KeySpace } from "../key-space.ts";
import type { CommandSender } from "./command-sender.ts";
import { isRedisCluster, isRedisNode, type RedisLike, type RedisNode } from "./redis-like.ts";
import { foundMasters } from "./slot-master.ts";

/** How many keys Redis looks at for one answer. */
const keysPerScan = 500;

/**
 * The keys of one repository's records, in pages: SCAN on the server, or on every master of a Cluster. A key that is
 * there from the beginning to the end comes exactly once.
 *
 * @throws {ConfigurationError} For a client without SCAN.
 * @throws {StorageUnavailableError} For a Cluster client that does not know all masters.
 */
export async function* scanRecordKeys(
  redis: RedisLike,
  sender: CommandSender,
  keys: KeySpace,
): AsyncGenerator<string[], void, undefined> {
  /** SCAN may show a key twice while Redis resizes its table. */
  const seen = new Set<string>();
  for (const node of await nodesOf(redis, sender)) {
    let cursor = "0";
    do {
      const [next, redisKeys] = await sender.send({
        operation: "scan",
        redisKeys: [],
        node,
        send: () => node.scan(cursor, "MATCH", keys.pattern, "COUNT", keysPerScan),
      });
      cursor = next;
      const page: string[] = [];
      for (const redisKey of redisKeys) {
        const key = keys.recordKey(redisKey);
        if (key === undefined || seen.has(key)) continue;
        seen.add(key);
        page.push(key);
      }
      yield page;
    } while (cursor !== "0");
  }
}

async function nodesOf(redis: RedisLike, sender: CommandSender): Promise<RedisNode[]> {
  if (isRedisCluster(redis)) {
    const found = foundMasters(redis, sender);
    if (found !== undefined) return found;
    const nodes = redis.nodes("master");
    // A client that has lost the Cluster, or a part of it, knows fewer nodes. The list would be shorter, and nobody would know.
    const masters = new Set(redis.slots.map((names) => names?.[0]).filter((name) => name !== undefined));
    if (nodes.length > 0 && nodes.length >= masters.size) return nodes;
    throw new StorageUnavailableError("The Redis client knows not all masters of the Cluster.", { effect: "none" });
  }
  if (isRedisNode(redis)) return [redis];
  throw new ConfigurationError("The Redis client has no scan method, which entries() needs.");
}
