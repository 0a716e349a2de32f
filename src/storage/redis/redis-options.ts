import { type OptionKinds, requireOptions, requireTimeout } from "../../option-checks.ts";

/** Settings for one connection, in the terms of ioredis 6. */
export interface RecommendedConnectionOptions {
  readonly autoResendUnfulfilledCommands: false;
  readonly maxRetriesPerRequest: 0;
  /** Milliseconds. */
  readonly connectTimeout: number;
  /** Milliseconds. */
  readonly socketTimeout: number;
}

/** Settings for a client of one server or of Sentinels, in the terms of ioredis 6. */
export interface RecommendedRedisOptions extends RecommendedConnectionOptions {
  readonly enableOfflineQueue: false;
  readonly retryStrategy: (attempt: number) => number;
  readonly reconnectOnError: (error: Error) => boolean;
  /** Behind Sentinels: a primary that is being replaced is left at once, and not when it is demoted, seconds later. */
  readonly failoverDetector: true;
  /** Behind Sentinels: how long until one that was lost is listened to again, in milliseconds. */
  readonly sentinelReconnectStrategy: (attempt: number) => number;
}

/** Settings for a Cluster client, in the terms of ioredis 6. */
export interface RecommendedClusterOptions {
  readonly enableAutoPipelining: false;
  readonly scaleReads: "master";
  readonly retryDelayOnFailover: 0;
  readonly retryDelayOnClusterDown: 0;
  readonly clusterRetryStrategy: (attempt: number) => number;
  readonly redisOptions: RecommendedConnectionOptions;
}

/** How long the recommended settings wait for a connection and for any answer on it, in milliseconds. */
export interface PatienceOptions {
  /** Default 5,000. */
  readonly connectTimeout?: number;
  /**
   * After this long without an answer to what was sent the connection counts as dead and is made anew: TCP alone would
   * take minutes to notice that the other end is gone. Default 5,000.
   */
  readonly socketTimeout?: number;
}

const patienceKinds: OptionKinds<PatienceOptions> = { connectTimeout: "any", socketTimeout: "any" };
const firstRetryDelay = 50;
const longestRetryDelay = 2_000;
const defaultPatience = 5_000;

/** What makes a client behind Sentinels hear of a failover. Other clients take no notice. */
export const failoverOptions = {
  failoverDetector: true,
  sentinelReconnectStrategy: retryDelay,
} as const;

/**
 * Client settings under which nothing is sent late or twice, a dead connection is noticed, and a primary that Sentinels
 * replace or that was demoted is left: what `RedisRepository` asks for, and more.
 *
 * @param patience - Timeouts in milliseconds.
 *
 * @example
 * ```ts
 * const redis = new Redis("redis://127.0.0.1:6379", redisOptions());
 * const behindSentinels = new Redis({ sentinels, name: "primary", ...redisOptions() });
 * ```
 */
export function redisOptions(patience: PatienceOptions = {}): RecommendedRedisOptions {
  return {
    ...connectionOptions(patience),
    enableOfflineQueue: false,
    retryStrategy: retryDelay,
    reconnectOnError: (error) => error.message.startsWith("READONLY"),
    ...failoverOptions,
  };
}

/**
 * The same for a Cluster client.
 *
 * @param patience - Timeouts in milliseconds.
 *
 * @example
 * ```ts
 * const redis = new Cluster([{ host: "127.0.0.1", port: 7000 }], clusterOptions());
 * ```
 */
export function clusterOptions(patience: PatienceOptions = {}): RecommendedClusterOptions {
  return {
    enableAutoPipelining: false,
    scaleReads: "master",
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    clusterRetryStrategy: retryDelay,
    redisOptions: connectionOptions(patience),
  };
}

function connectionOptions(patience: PatienceOptions): RecommendedConnectionOptions {
  return { autoResendUnfulfilledCommands: false, maxRetriesPerRequest: 0, ...readPatience("redisOptions", patience) };
}

/** Checks the timeouts, and fills in those that are left out. */
export function readPatience(owner: string, patience: PatienceOptions): Required<PatienceOptions> {
  requireOptions(owner, patience, patienceKinds);
  const { connectTimeout = defaultPatience, socketTimeout = defaultPatience } = patience;
  requireTimeout("connectTimeout", connectTimeout);
  requireTimeout("socketTimeout", socketTimeout);
  return { connectTimeout, socketTimeout };
}

/** Milliseconds before the next attempt: doubling, with jitter so that many clients do not come back at once. */
export function retryDelay(attempt: number): number {
  const delay = Math.min(firstRetryDelay * 2 ** Math.min(attempt - 1, 10), longestRetryDelay);
  return Math.round(delay * (0.5 + Math.random() / 2));
}
