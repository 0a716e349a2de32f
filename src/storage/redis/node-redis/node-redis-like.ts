/**
 * What is needed of a client that node-redis's `createClient` makes; no type of node-redis is part of it.
 *
 * @see https://github.com/redis/node-redis
 */
export interface NodeRedisLike {
  /** True from `connect()` until the client is closed, also while it has no connection. */
  readonly isOpen: boolean;
  readonly isReady: boolean;
  /** Counts connections. */
  readonly socketEpoch?: number;
  readonly options?: object | undefined;
  sendCommand(command: readonly string[], options?: object): Promise<unknown>;
  /** A client with the same settings, not connected. */
  duplicate(overrides?: object): NodeRedisLike;
  connect(): Promise<unknown>;
  /** Closes the connection without waiting for answers. */
  destroy(): void;
  subscribe(channel: string, listener: (message: Buffer) => void, bufferMode: true): Promise<unknown>;
  on(event: string, listener: (argument?: unknown) => void): unknown;
  off(event: string, listener: (argument?: unknown) => void): unknown;
  listeners(event: string): readonly unknown[];
}

/** A master, as a Cluster client of node-redis knows it. */
export interface NodeRedisMaster {
  readonly address: string;
  /** The connection to it, once there is one. */
  readonly client?: NodeRedisLike | undefined;
}

/** What is needed of a client that node-redis's `createCluster` makes. */
export interface NodeRedisClusterLike {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  readonly masters: readonly NodeRedisMaster[];
  readonly slots: readonly ({ readonly master: NodeRedisMaster } | undefined)[];
  sendCommand(
    firstKey: string | undefined,
    isReadonly: boolean | undefined,
    command: string[],
    options?: object,
  ): Promise<unknown>;
  on(event: string, listener: (argument?: unknown) => void): unknown;
  off(event: string, listener: (argument?: unknown) => void): unknown;
  listeners(event: string): readonly unknown[];
}

/** What all clients of node-redis say of themselves. */
function isOfNodeRedis(client: object): boolean {
  return "isOpen" in client && typeof client.isOpen === "boolean" && has(client, "sendCommand");
}

function has(client: object, method: string): boolean {
  return typeof Reflect.get(client, method) === "function";
}

/** Tells a client of `createClient`. */
export function isNodeRedis(client: object): client is NodeRedisLike {
  return isOfNodeRedis(client) && "isReady" in client && has(client, "duplicate") && has(client, "destroy");
}

/** Tells a client of `createCluster`. */
export function isNodeRedisCluster(client: object): client is NodeRedisClusterLike {
  return isOfNodeRedis(client) && "masters" in client && "slots" in client && has(client, "nodeClient");
}

/** Tells a client of `createSentinel`. */
export function isNodeRedisSentinel(client: object): boolean {
  return isOfNodeRedis(client) && has(client, "getSentinelNode");
}

/** Tells a pool: what `createClientPool` or `createPool()` makes. */
export function isNodeRedisPool(client: object): boolean {
  return isOfNodeRedis(client) && "clientsInUse" in client;
}

/** True for whatever node-redis makes. */
export function isAnyNodeRedis(client: object): boolean {
  return [isNodeRedis, isNodeRedisCluster, isNodeRedisSentinel, isNodeRedisPool].some((fits) => fits(client));
}
