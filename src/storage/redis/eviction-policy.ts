import { ConfigurationError, StorageError } from "../../errors.ts";
import type { RedisNode } from "./redis-like.ts";
import type { SharedClient } from "./shared-client.ts";
import { serversOf } from "./slot-master.ts";

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
export async function requireNoEviction(client: SharedClient): Promise<void> {
  for await (const policy of evictionPolicies(client)) {
    if (policy === undefined) {
      throw new ConfigurationError("Redis does not say which maxmemory-policy it has; let its user run INFO.");
    }
    if (policy !== harmless) throw new ConfigurationError(dangerOf(policy));
  }
}

/**
 * Warns the process of a Redis that evicts records, once the client is connected. Where Redis does not say which policy it
 * has, there is no warning; `requireNoEviction` refuses that too.
 *
 * @returns Ends the wait for the connection.
 */
export function warnOfEviction(client: SharedClient): () => void {
  const { redis } = client;
  const stop = (): void => void redis.off("ready", look);
  const look = async (): Promise<void> => {
    stop();
    try {
      for await (const policy of evictionPolicies(client)) {
        if (policy === undefined || policy === harmless) continue;
        process.emitWarning(dangerOf(policy), { code: "PANGEA_REDIS_EVICTION" });
        return;
      }
    } catch (failure) {
      // Commands that matter tell of the same failure themselves.
      if (!(failure instanceof StorageError)) throw failure;
    }
  };
  if (redis.status === "ready") void look();
  else redis.on("ready", look);
  return stop;
}

const harmless = "noeviction";

function dangerOf(policy: string): string {
  return `Redis has the maxmemory-policy ${policy} and may drop what says that a token was revoked; set noeviction.`;
}

/** The policy of each server; undefined where a server does not say. */
async function* evictionPolicies({ redis, sender }: SharedClient): AsyncGenerator<string | undefined> {
  const nodes = await serversOf(redis, sender);
  for (const node of nodes) {
    const memory = isInformed(node)
      ? await sender.send({ operation: "get", redisKeys: [], node, send: () => node.info("memory") })
      : "";
    yield /^maxmemory_policy:(\S+)/m.exec(memory)?.[1];
  }
}

function isInformed(node: object): node is InformedNode {
  return "info" in node && typeof node.info === "function";
}
