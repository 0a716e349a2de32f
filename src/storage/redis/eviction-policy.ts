import { ConfigurationError } from "../../errors.ts";
import { isRedisCluster, type RedisNode } from "./redis-like.ts";
import type { SharedClient } from "./shared-client.ts";

/** A node that can be asked about its memory. */
interface InformedNode extends RedisNode {
  info(section: "memory"): Promise<string>;
}

/**
 * Makes sure that Redis evicts nothing: it would drop a record that says that something was used or revoked, as soon as
 * it was short of memory.
 *
 * @throws {ConfigurationError} when a server has another `maxmemory-policy` than `noeviction`, or does not say which.
 * @throws {StorageFailure} when Redis does not answer.
 */
export async function requireNoEviction({ redis, sender }: SharedClient): Promise<void> {
  const nodes: readonly object[] = isRedisCluster(redis) ? redis.nodes("master") : [redis];
  for (const node of nodes) {
    const memory = isInformed(node)
      ? await sender.send({ operation: "get", redisKeys: [], node, send: () => node.info("memory") })
      : "";
    const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1];
    if (policy === "noeviction") continue;
    throw new ConfigurationError(
      policy === undefined
        ? "Redis does not say which maxmemory-policy it has; let its user run INFO."
        : `Redis has the maxmemory-policy ${policy} and may drop what says that a token was revoked; set noeviction.`,
    );
  }
}

function isInformed(node: object): node is InformedNode {
  return "info" in node && typeof node.info === "function";
}
