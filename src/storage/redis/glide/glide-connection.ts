import { StorageUnavailableError } from "../../../errors.ts";
import { ArrayCommands, NodeCommands } from "../array-commands.ts";
import { type ClientLimits, type RedisClusterLike, type RedisConnection, settingOf } from "../redis-like.ts";
import type { RedisCallable, TrackableCluster } from "../subscriber-connection.ts";
import { glideStatus, sendByGlide } from "./glide-command.ts";
import { configurationOf, type GlideLike } from "./glide-like.ts";
import { GlideSubscriber } from "./glide-subscriber.ts";

/** What no client of GLIDE can do. */
export const glideLimits: ClientLimits = {
  waitForReplicas:
    "waitForReplicas needs WAIT right behind the write, on the same connection, and Valkey GLIDE promises neither. Take " +
    "ioredis or node-redis, or have Redis refuse writes without replicas (min-replicas-to-write).",
  tracking:
    "Valkey GLIDE makes its connections anew without telling, and with a connection its tracking ends. Take " +
    "RedisPubSubInvalidation, or ioredis or node-redis for the client.",
};

/** A `GlideClient`, as the port wants it. It has no events. */
export class GlideConnection extends NodeCommands implements RedisCallable {
  readonly limits = glideLimits;
  readonly #client: GlideLike;

  constructor(client: GlideLike) {
    super();
    this.#client = client;
  }

  get status(): string {
    return glideStatus(this.#client);
  }

  duplicate({ socketTimeout }: { readonly socketTimeout: number }): GlideSubscriber {
    return new GlideSubscriber(this.#client, socketTimeout);
  }

  on(): void {}

  off(): void {}

  protected send(_redisKey: string | undefined, command: readonly string[]): Promise<unknown> {
    return sendByGlide(this.#client, command);
  }
}

/** One server of a Cluster, reached through the Cluster client by its address. */
export class GlideNode extends NodeCommands implements RedisConnection {
  readonly #client: GlideLike;
  readonly #route: object;

  constructor(client: GlideLike, host: string, port: number) {
    super();
    this.#client = client;
    this.#route = { type: "routeByAddress", host, port };
  }

  get status(): string {
    return glideStatus(this.#client);
  }

  on(): void {}

  off(): void {}

  protected send(_redisKey: string | undefined, command: readonly string[]): Promise<unknown> {
    return sendByGlide(this.#client, command, this.#route);
  }
}

/** A `GlideClusterClient`, as the port wants it. */
export class GlideCluster extends ArrayCommands implements RedisClusterLike, TrackableCluster {
  readonly isCluster = true;
  readonly limits = glideLimits;
  /** GLIDE finds the node of a key itself, and shows no connection to it. */
  readonly slots = [];
  readonly #client: GlideLike;
  /** What is listened at: GLIDE subscribes at the node that a channel belongs to. */
  readonly #listenable: GlideConnection;

  constructor(client: GlideLike) {
    super();
    this.#client = client;
    this.#listenable = new GlideConnection(client);
  }

  get status(): string {
    return glideStatus(this.#client);
  }

  nodes(_role: "master"): GlideConnection[] {
    return [this.#listenable];
  }

  masterOfSlot(_slot: number): undefined {}

  async findMasters(): Promise<GlideNode[]> {
    const slots = await sendByGlide(this.#client, ["CLUSTER", "SLOTS"], { type: "primarySlotId", id: 0 });
    const masters = new Map<string, GlideNode>();
    for (const range of Array.isArray(slots) ? slots : []) {
      const [host, port] = Array.isArray(range) && Array.isArray(range[2]) ? range[2] : [];
      const address = resolvedAddress(this.#client, String(host), Number(port));
      masters.set(address.join(), new GlideNode(this.#client, ...address));
    }
    if (masters.size > 0) return [...masters.values()];
    throw new StorageUnavailableError("The Redis Cluster does not say which masters it has.", { effect: "none" });
  }

  on(): void {}

  off(): void {}

  protected send(_redisKey: string | undefined, command: readonly string[]): Promise<unknown> {
    return sendByGlide(this.#client, command);
  }
}

/** Where the client connects to for a node: it names its connections by that. */
function resolvedAddress(client: GlideLike, host: string, port: number): [host: string, port: number] {
  const resolve = settingOf(configurationOf(client), "addressResolver");
  const resolved: unknown = typeof resolve === "function" ? resolve(host, port) : undefined;
  return Array.isArray(resolved) ? [String(resolved[0]), Number(resolved[1])] : [host, port];
}
