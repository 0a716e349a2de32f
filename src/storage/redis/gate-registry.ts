import { ConnectionGate } from "./connection-gate.ts";
import type { RedisCommand } from "./redis-call.ts";
import { isRedisCluster, type RedisClient, type RedisClusterLike, type RedisConnection } from "./redis-like.ts";
import { masterOfKey } from "./slot-master.ts";

/**
 * The gates that a command passes on its way: of the client, and on a Cluster of the node that serves the key, since a
 * Cluster client is ready while its connection to one node is still being made.
 */
export class GateRegistry {
  readonly #redis: RedisClient;
  readonly #client: ConnectionGate;
  readonly #cluster: RedisClusterLike | undefined;
  readonly #nodes = new WeakMap<RedisConnection, ConnectionGate>();

  constructor(redis: RedisClient) {
    this.#redis = redis;
    this.#client = new ConnectionGate(redis);
    this.#cluster = isRedisCluster(redis) ? redis : undefined;
  }

  /**
   * The gate that a command comes to next: the client's, then the node's. `undefined` where nothing is in its way.
   *
   * @param passed - The gate that has let the command through last.
   */
  next(command: RedisCommand<unknown>, passed: ConnectionGate | undefined): ConnectionGate | undefined {
    // Also behind the node's gate, whose node may have come while the client was lost.
    if (this.#redis.status !== "ready") return this.#client;
    if (this.#cluster === undefined || (passed !== undefined && passed !== this.#client)) return undefined;
    const node = command.node ?? this.#connectingNode(this.#cluster, command.redisKeys[0]);
    return node === undefined ? undefined : this.#gateOf(node);
  }

  /**
   * The node that serves a key, where some node is still being connected. `undefined` also where the Cluster client knows
   * no connection for the slot and has to find one.
   */
  #connectingNode(cluster: RedisClusterLike, redisKey: string | undefined): RedisConnection | undefined {
    if (redisKey === undefined) return undefined;
    if (cluster.nodes("master").every((node) => node.status === "ready")) return undefined;
    return masterOfKey(cluster, redisKey);
  }

  #gateOf(node: RedisConnection): ConnectionGate {
    const gate = this.#nodes.get(node) ?? new ConnectionGate(node);
    this.#nodes.set(node, gate);
    return gate;
  }
}
