/**
 * The port: how this folder sees a client, whatever its make. The words are those of ioredis, whose clients fit as they are
 * and cost nothing more; `redisPort` gives the clients of node-redis and of Valkey GLIDE the same form.
 */

/** One connection to one Redis server, as far as waiting for it goes. */
export interface RedisConnection {
  /** `ready` when commands are sent at once; the other values are those of ioredis. */
  readonly status: string;
  /** Starts a connection that `lazyConnect` put off. */
  connect?(): Promise<unknown>;
  /** Closes the connection; with `true`, opens it again after the client's retry delay. */
  disconnect?(reconnect?: boolean): void;
  on(event: string, listener: (argument?: unknown) => void): unknown;
  off(event: string, listener: (argument?: unknown) => void): unknown;
  /** Who hears an event. */
  listeners?(event: string): readonly unknown[];
  /** The client's own settings, where it shows them. */
  readonly options?: object;
}

/** A connection on which a caller can wait for the replicas of its server. */
export interface ReplicatedConnection extends RedisConnection {
  wait(replicas: number, milliseconds: number): Promise<number>;
}

/** A connection to one node, with the command that is asked of a node rather than of a Cluster. */
export interface RedisNode extends RedisConnection {
  scan(
    cursor: string,
    patternToken: "MATCH",
    pattern: string,
    countToken: "COUNT",
    count: number,
  ): Promise<[cursor: string, keys: string[]]>;
}

/** A client, whatever it is asked for. */
export interface RedisClient extends RedisConnection {
  /** True for a Cluster client. */
  readonly isCluster?: boolean;
}

/**
 * What the repository needs of a client of ioredis. A plain, a Sentinel and a Cluster client of ioredis 5 and 6 each fit; no
 * type of ioredis is part of it.
 */
export interface RedisLike extends RedisClient {
  get(key: string): Promise<string | null>;
  mget(keys: string[]): Promise<(string | null)[]>;
  set(key: string, value: string): Promise<unknown>;
  set(key: string, value: string, existenceToken: "NX"): Promise<unknown>;
  set(key: string, value: string, expiryToken: "PX", milliseconds: number): Promise<unknown>;
  set(key: string, value: string, expiryToken: "PX", milliseconds: number, existenceToken: "NX"): Promise<unknown>;
  getdel(key: string): Promise<string | null>;
  del(key: string): Promise<number>;
  /** Runs a script with one key: for `take`, and for `add` where a record that has expired is still in Redis. */
  eval(script: string, keyCount: 1, key: string, ...values: (string | number)[]): Promise<unknown>;
}

/** What a Cluster client offers beyond the commands. */
export interface RedisClusterLike extends RedisClient {
  readonly isCluster: true;
  /** The node keys (`host:port`) that serve each slot, the master first. */
  readonly slots: readonly (readonly string[] | undefined)[];
  nodes(role: "master"): RedisNode[];
  /** The master of a slot, where the client does not name the nodes of `slots` as it names its connections. */
  masterOfSlot?(slot: number): RedisNode | undefined;
  /** Asks for the masters, where the client does not know them at once. */
  findMasters?(): Promise<RedisNode[]>;
}

/** What a client cannot do: a sentence each, which says what to take instead. */
export interface ClientLimits {
  readonly waitForReplicas?: string;
  readonly tracking?: string;
}

/** What the client behind a port cannot do. */
export function limitsOf(redis: object): ClientLimits {
  return "limits" in redis && typeof redis.limits === "object" && redis.limits !== null ? redis.limits : {};
}

/** Tells a Cluster client from a client of one server. */
export function isRedisCluster(redis: object): redis is RedisClusterLike {
  return "isCluster" in redis && redis.isCluster === true && "nodes" in redis && typeof redis.nodes === "function";
}

/** Tells a client of one server, which can be asked to SCAN, from a Cluster client, which cannot. */
export function isRedisNode(redis: object): redis is RedisNode {
  return !isRedisCluster(redis) && "scan" in redis && typeof redis.scan === "function";
}

/** Reads one setting of a client, or `undefined` where the client does not show its settings. */
export function clientSetting(client: { readonly options?: object }, name: string): unknown {
  return settingOf(client.options, name);
}

/** Reads one property of a settings object that may be absent. */
export function settingOf(settings: unknown, name: string): unknown {
  if (typeof settings !== "object" || settings === null) return undefined;
  return Object.getOwnPropertyDescriptor(settings, name)?.value;
}

/** True for a connection that says that nobody hears an event. */
export function hasNoListener(connection: RedisConnection, event: string): boolean {
  return connection.listeners?.(event).length === 0;
}

/** Hears an error that is reported elsewhere. */
export function ignoreError(): void {}
