import { ConfigurationError } from "../../errors.ts";
import { clientSetting, isRedisCluster, type RedisLike, settingOf } from "./redis-like.ts";

/**
 * Refuses a client of ioredis whose settings break what the repository promises. Where a client does not show its settings, they are
 * taken to be right.
 *
 * @throws {ConfigurationError} With the setting to change, and why.
 */
export function requireSafeClient(redis: RedisLike): void {
  if (isRedisCluster(redis)) requireSafeCluster(redis.options);
  else requireSafeConnection(redis.options, "new Redis(url, redisOptions()) or redis.duplicate(redisOptions())");
  for (const settings of [redis.options, clientSetting(redis, "redisOptions")]) {
    refuse(
      settingOf(settings, "stringNumbers") === true,
      "The Redis client gives numbers as text, by stringNumbers, and a 0 would be read as a record that was there; leave it out.",
    );
    const database = settingOf(settings, "db") ?? 0;
    refuse(
      !Number.isSafeInteger(database) || Number(database) < 0,
      "The Redis client has a db that is no number of a database; end its address in one, such as redis://host:6379/0.",
    );
    refuse(
      Boolean(settingOf(settings, "keyPrefix")),
      "The Redis client has a keyPrefix; leave it out: the repository's own prefix keeps the keys apart.",
    );
  }
}

function requireSafeConnection(settings: unknown, fix: string): void {
  if (settings === undefined) return;
  refuse(
    settingOf(settings, "autoResendUnfulfilledCommands") !== false && settingOf(settings, "maxRetriesPerRequest") !== 0,
    "The Redis client sends commands again after a reconnect: an old SET would bring a deleted record back, and a GETDEL " +
      `sent twice would lose its record. Use ${fix}, or set autoResendUnfulfilledCommands to false.`,
  );
  refuse(
    settingOf(settings, "readOnly") === true || settingOf(settings, "role") === "slave",
    "The Redis client reads from a replica, where a deleted record lives on for a while; connect to the primary.",
  );
  refuse(
    Array.isArray(settingOf(settings, "sentinels")) && settingOf(settings, "failoverDetector") !== true,
    "The Redis client does not listen to its Sentinels: after a failover it goes on writing to the old primary, which " +
      `forgets all of that. Use ${fix}, or set failoverDetector to true.`,
  );
}

function requireSafeCluster(settings: unknown): void {
  if (settings === undefined) return;
  refuse(
    settingOf(settings, "retryDelayOnFailover") !== 0,
    "The Redis Cluster client sends a command again when a connection is lost: an old SET would bring a deleted record " +
      "back, and a GETDEL sent twice would lose its record. Use new Cluster(nodes, clusterOptions()), or set " +
      "retryDelayOnFailover to 0.",
  );
  refuse(
    settingOf(settings, "scaleReads") !== "master",
    'The Redis Cluster client reads from replicas, where a deleted record lives on for a while; set scaleReads to "master".',
  );
  refuse(
    settingOf(settings, "enableAutoPipelining") === true,
    "The Redis Cluster client pipelines automatically, and a slot that moves fails the whole pipeline; set " +
      "enableAutoPipelining to false: the repository groups its reads by slot itself.",
  );
  if (typeof settingOf(settings, "clusterNodeRetryStrategy") === "function") {
    requireSafeConnection(settingOf(settings, "redisOptions") ?? {}, "new Cluster(nodes, clusterOptions())");
  }
}

function refuse(unsafe: boolean, message: string): void {
  if (unsafe) throw new ConfigurationError(message);
}
