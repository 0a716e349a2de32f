import { clusterKeySlot } from "./cluster-key-slot.ts";
import { ConnectionGate } from "./connection-gate.ts";
import {
  clientSetting,
  isRedisCluster,
  type RedisClient,
  type RedisClusterLike,
  type RedisConnection,
} from "./redis-like.ts";

/**
 * The gates that a command passes on its way: of the client, and on a Cluster of the node that serves the key, since a
 * Cluster client is ready while its connection to one node is still being made.
 */
export class ConnectionGates {
  readonly #client: ConnectionGate;
  readonly #cluster: RedisClusterLike | undefined;
  readonly #nodes = new WeakMap<RedisConnection, ConnectionGate>();

  constructor(redis: RedisClient) {
    this.#client = new ConnectionGate(redis);
    this.#cluster = isRedisCluster(redis) ? redis : undefined;
  }

  /** The gate of the client itself. */
  get client(): ConnectionGate {
    return this.#client;
  }

  /** True where there are gates behind the client's own. */
  get isCluster(): boolean {
    return this.#cluster !== undefined;
  }

  /**
   * The gate of the node that a command for the key goes to. `undefined` where it need not wait, and where the Cluster
   * client knows no connection for the slot and has to find one.
   */
  ofKey(redisKey: string | undefined): ConnectionGate | undefined {
    if (this.#cluster === undefined || redisKey === undefined) return undefined;
    const masters = this.#cluster.nodes("master");
    if (masters.every((node) => node.status === "ready")) return undefined;
    const address = this.#cluster.slots[clusterKeySlot(redisKey)]?.[0];
    const node = masters.find((master) => nodeAddress(master) === address);
    return node === undefined ? undefined : this.#gateOf(node);
  }

  /** The gate of one node that is asked by name, not for a key. */
  ofNode(node: RedisConnection): ConnectionGate {
    return this.#cluster === undefined ? this.#client : this.#gateOf(node);
  }

  #gateOf(node: RedisConnection): ConnectionGate {
    const known = this.#nodes.get(node);
    if (known !== undefined) return known;
    const gate = new ConnectionGate(node);
    this.#nodes.set(node, gate);
    return gate;
  }
}

function nodeAddress(node: { readonly options?: object }): string {
  return `${String(clientSetting(node, "host"))}:${String(clientSetting(node, "port"))}`;
}
