import { ConfigurationError } from "../../../errors.ts";
import { requireThat } from "../../../option-checks.ts";
import { settingOf } from "../redis-like.ts";
import { isNodeRedisCluster, isNodeRedisPool, isNodeRedisSentinel } from "./node-redis-like.ts";

const fix = "createClient({ url, ...nodeRedisOptions() })";
const clusterFix = "createCluster({ rootNodes, ...nodeRedisClusterOptions() })";

/**
 * Refuses a client of node-redis whose settings break what the repository promises. Where a client does not show its
 * settings, they are taken to be right.
 *
 * @throws {ConfigurationError} With the setting to change, and why.
 */
export function requireSafeNodeRedis(client: object): void {
  requireSupported(client);
  if (isNodeRedisCluster(client)) {
    // The Cluster client shows its settings by this name only.
    const settings: unknown = Reflect.get(client, "_options");
    if (settings === undefined) return;
    requireSafeConnection(settingOf(settings, "defaults") ?? {}, clusterFix, "defaults.");
    requireThat(!settingOf(settings, "keyPrefix"), keyPrefixRule);
    requireThat(
      settingOf(settings, "useReplicas") !== true,
      "The node-redis Cluster client reads from replicas, where a deleted record lives on for a while; leave out useReplicas.",
    );
    requireThat(
      settingOf(settings, "minimizeConnections") !== true,
      "The node-redis Cluster client connects to its nodes one by one as commands come; leave out minimizeConnections: a " +
        "node that is not connected yet cannot be listed or listened to.",
    );
    return;
  }
  const settings: unknown = Reflect.get(client, "options");
  if (settings !== undefined) requireSafeConnection(settings, fix, "");
}

/**
 * Refuses the kinds of client that cannot keep the promises, whatever their settings.
 *
 * @throws {ConfigurationError} With the kind to take instead.
 */
export function requireSupported(client: object): void {
  if (isNodeRedisSentinel(client)) {
    throw new ConfigurationError(
      "node-redis's createSentinel sends a command again when a connection is lost: an old SET would bring a deleted " +
        "record back, and a GETDEL sent twice would lose its record. Behind Sentinels take ioredis: " +
        "new Redis({ sentinels, name, ...redisOptions() }).",
    );
  }
  if (isNodeRedisPool(client)) {
    throw new ConfigurationError(
      `A pool of node-redis is not needed and cannot be listened to; give one client, ${fix}: what is asked at once ` +
        "shares its connection.",
    );
  }
}

const keyPrefixRule =
  "The Redis client has a keyPrefix; leave it out: the repository's own prefix keeps the keys apart.";

function requireSafeConnection(settings: unknown, remedy: string, path: string): void {
  requireThat(
    settingOf(settings, "disableOfflineQueue") === true,
    "The node-redis client keeps commands while it has no connection and sends them later: an old SET would bring a " +
      `deleted record back long after its caller was told that it failed. Use ${remedy}, or set ${path}disableOfflineQueue to true.`,
  );
  requireThat(
    settingOf(settings, "readonly") !== true,
    `The node-redis client reads from a replica, where a deleted record lives on for a while; leave out ${path}readonly.`,
  );
  requireThat(!settingOf(settings, "keyPrefix"), keyPrefixRule);
}
