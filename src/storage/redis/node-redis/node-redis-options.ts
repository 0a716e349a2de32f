import { type PatienceOptions, readPatience, retryDelay } from "../redis-options.ts";

/** Settings for a client of `createClient`, in the terms of node-redis 6. */
export interface RecommendedNodeRedisOptions {
  readonly disableOfflineQueue: true;
  /** Milliseconds. */
  readonly pingInterval: number;
  readonly socket: {
    /** Milliseconds. */
    readonly connectTimeout: number;
    /** Milliseconds. */
    readonly socketTimeout: number;
    readonly reconnectStrategy: (retries: number) => number;
  };
}

/** Settings for a client of `createCluster`, in the terms of node-redis 6. */
export interface RecommendedNodeRedisClusterOptions {
  readonly defaults: RecommendedNodeRedisOptions;
  /** Milliseconds until a node that does not come back has the client ask the others where the slots are. */
  readonly topologyRefreshOnReconnectionAttemptStrategy: number;
}

/**
 * Client settings of node-redis under which nothing is kept and sent late, and a dead connection is noticed and made anew.
 * By default node-redis keeps commands while it is not connected, which a `RedisRepository` refuses, and gives up for good a
 * connection on which nothing came for a while.
 *
 * @param patience - Timeouts in milliseconds. node-redis counts silence and not late answers, so it is had to ask for a sign
 * of life twice within `socketTimeout`.
 *
 * @example
 * ```ts
 * const redis = createClient({ url: "redis://127.0.0.1:6379", ...nodeRedisOptions() });
 * redis.on("error", () => {});
 * await redis.connect();
 * ```
 */
export function nodeRedisOptions(patience: PatienceOptions = {}): RecommendedNodeRedisOptions {
  const { connectTimeout, socketTimeout } = readPatience("nodeRedisOptions", patience);
  return {
    disableOfflineQueue: true,
    pingInterval: Math.max(1, Math.floor(socketTimeout / 2)),
    socket: { connectTimeout, socketTimeout, reconnectStrategy: (retries) => retryDelay(retries + 1) },
  };
}

/**
 * The same for a Cluster client.
 *
 * @param patience - Timeouts in milliseconds.
 *
 * @example
 * ```ts
 * const redis = createCluster({ rootNodes: [{ url: "redis://127.0.0.1:7000" }], ...nodeRedisClusterOptions() });
 * ```
 */
export function nodeRedisClusterOptions(patience: PatienceOptions = {}): RecommendedNodeRedisClusterOptions {
  return { defaults: nodeRedisOptions(patience), topologyRefreshOnReconnectionAttemptStrategy: 1_000 };
}
