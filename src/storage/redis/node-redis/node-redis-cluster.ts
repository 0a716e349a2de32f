import { StorageUnavailableError } from "../../../errors.ts";
import { ArrayCommands } from "../array-commands.ts";
import { clusterKeySlot } from "../cluster-key-slot.ts";
import { replyCode } from "../redis-failure.ts";
import type { RedisClusterLike } from "../redis-like.ts";
import type { TrackableCluster } from "../subscriber-connection.ts";
import { commandOptions, NodeRedisConnection } from "./node-redis-connection.ts";
import type { NodeRedisClusterLike, NodeRedisLike } from "./node-redis-like.ts";
import { namedReplyError } from "./reply-error.ts";

/** The events of node-redis's Cluster client that tell what ioredis tells by another name. */
const eventNames: Readonly<Record<string, string>> = {
  ready: "connect",
  close: "disconnect",
  end: "disconnect",
  refresh: "node-ready",
  "+node": "node-ready",
  "-node": "node-disconnect",
};

/** A Cluster client of node-redis, as the port wants it. */
export class NodeRedisCluster extends ArrayCommands implements RedisClusterLike, TrackableCluster {
  readonly isCluster = true;
  /** The nodes of slots are found by `masterOfSlot`. */
  readonly slots = [];
  readonly #cluster: NodeRedisClusterLike;
  readonly #nodes = new WeakMap<NodeRedisLike, NodeRedisConnection>();
  #wasOpen = false;

  constructor(cluster: NodeRedisClusterLike) {
    super();
    this.#cluster = cluster;
  }

  get status(): string {
    const { isOpen, isReady } = this.#cluster;
    this.#wasOpen ||= isOpen;
    if (isOpen) return isReady ? "ready" : "connecting";
    return this.#wasOpen ? "end" : "wait";
  }

  nodes(_role: "master"): NodeRedisConnection[] {
    return this.#cluster.masters.flatMap(({ client }) => (client === undefined ? [] : [this.#nodeOf(client)]));
  }

  masterOfSlot(slot: number): NodeRedisConnection | undefined {
    const client = this.#cluster.slots[slot]?.master.client;
    return client && this.#nodeOf(client);
  }

  async findMasters(): Promise<NodeRedisConnection[]> {
    const nodes = this.nodes("master");
    // The list would be shorter without a master that was lost, and nobody would know.
    if (nodes.length > 0 && nodes.length === this.#cluster.masters.length) return nodes;
    throw new StorageUnavailableError("The Redis client knows not all masters of the Cluster.", { effect: "none" });
  }

  /**
   * A command goes to the node of its key at once, so that commands go out in the order of the calls. The Cluster client
   * has its turn where the slot is elsewhere: it follows the redirection, as no command is carried out before.
   */
  protected async send(redisKey: string | undefined, command: readonly string[]): Promise<unknown> {
    const node = redisKey === undefined ? undefined : this.masterOfSlot(clusterKeySlot(redisKey));
    if (node?.status !== "ready") return this.#sendByCluster(redisKey, command);
    try {
      return await node.send(redisKey, command);
    } catch (error) {
      const code = replyCode(error);
      if (code !== "MOVED" && code !== "ASK") throw error;
      return this.#sendByCluster(redisKey, command);
    }
  }

  on(event: string, listener: (argument?: unknown) => void): void {
    this.#cluster.on(eventNames[event] ?? event, listener);
  }

  off(event: string, listener: (argument?: unknown) => void): void {
    this.#cluster.off(eventNames[event] ?? event, listener);
  }

  listeners(event: string): readonly unknown[] {
    return this.#cluster.listeners(eventNames[event] ?? event);
  }

  async #sendByCluster(redisKey: string | undefined, command: readonly string[]): Promise<unknown> {
    try {
      return await this.#cluster.sendCommand(redisKey, false, [...command], commandOptions);
    } catch (error) {
      throw namedReplyError(error);
    }
  }

  #nodeOf(client: NodeRedisLike): NodeRedisConnection {
    const node = this.#nodes.get(client) ?? new NodeRedisConnection(client);
    this.#nodes.set(client, node);
    return node;
  }
}
