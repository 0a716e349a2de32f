import type { StorageError } from "../../errors.ts";
import { redisFailure, replyCode } from "./redis-failure.ts";
import type { RedisConnection } from "./redis-like.ts";
import { retryDelay } from "./redis-options.ts";

/** Settings of a connection that only listens. RESP2, since ioredis hears invalidation messages in no other way. */
export interface SubscriberSettings {
  readonly protocol: 2;
  readonly lazyConnect: true;
  readonly readOnly: false;
  readonly autoResubscribe: false;
  readonly autoResendUnfulfilledCommands: false;
  readonly enableOfflineQueue: true;
  readonly maxRetriesPerRequest: 0;
  /** Milliseconds without an answer after which the connection counts as dead. */
  readonly socketTimeout: number;
  readonly retryStrategy: (attempt: number) => number;
}

/** A connection that commands can be sent on by name, and that can be opened a second time. */
export interface RedisCallable extends RedisConnection {
  call(command: string, ...parameters: (string | number)[]): Promise<unknown>;
  duplicate(settings: SubscriberSettings): SubscriberClient;
}

/** A Cluster client, for the connections to its nodes. */
export interface TrackableCluster extends RedisConnection {
  readonly isCluster: boolean;
  nodes(role: "master"): RedisCallable[];
}

/** Tells a Cluster client, whose nodes are listened at, from a client of one server. */
export function isTrackableCluster(redis: RedisCallable | TrackableCluster): redis is TrackableCluster {
  return "nodes" in redis;
}

/** A connection of its own, for a subscription. */
export interface SubscriberClient extends RedisConnection {
  call(command: string, ...parameters: (string | number)[]): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  ping(): Promise<unknown>;
  on(event: string, listener: (first?: unknown, second?: unknown) => void): unknown;
}

/** What whoever opened a subscription hears of it. */
export interface SubscriberListener {
  /** Called on each new connection, before it subscribes and takes no other command. */
  prepare?(client: SubscriberClient): Promise<void>;
  /** The channel's message as it came: a Buffer, an array of them, or null. */
  onMessage(message: unknown): void;
  /** True once the subscription is in place, false once it is lost. */
  onChange(up: boolean): void;
  /** Redis refuses the commands that the subscription takes. */
  onRefused(error: StorageError): void;
}

/**
 * A connection that subscribes to one channel, and does so again whenever it had to connect again. A PING at every
 * heartbeat finds out a connection that has died without a word.
 */
export class SubscriberConnection {
  readonly #client: SubscriberClient;
  readonly #channel: string;
  readonly #listener: SubscriberListener;
  readonly #heartbeat: NodeJS.Timeout;
  #wasRefused = false;
  #isUp = false;
  /** Counts connections, so that what an earlier one answers late does not speak for the present one. */
  #connectionNumber = 0;

  /** @param heartbeat - Milliseconds between two PINGs, and how long an answer to one may take. */
  constructor(source: RedisCallable, channel: string, heartbeat: number, listener: SubscriberListener) {
    this.#channel = channel;
    this.#listener = listener;
    this.#client = source.duplicate({
      protocol: 2,
      lazyConnect: true,
      readOnly: false,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: true,
      maxRetriesPerRequest: 0,
      socketTimeout: heartbeat,
      retryStrategy: retryDelay,
    });
    this.#client.on("ready", () => void this.#subscribe());
    this.#client.on("close", () => this.#lost());
    this.#client.on("end", () => this.#lost());
    this.#client.on("error", () => undefined);
    this.#client.on("messageBuffer", (_, message) => {
      if (this.#isUp) listener.onMessage(message);
    });
    this.#client.connect?.().catch(() => undefined);
    this.#heartbeat = setInterval(() => this.#beat(), heartbeat);
    this.#heartbeat.unref();
  }

  /** True while messages arrive. */
  get isUp(): boolean {
    return this.#isUp;
  }

  /** Gives up the connection and opens another, to wherever the client's settings then lead. */
  renew(): void {
    this.#lost();
    this.#client.disconnect?.(true);
  }

  /** Closes the connection. */
  close(): void {
    clearInterval(this.#heartbeat);
    this.#connectionNumber++;
    this.#isUp = false;
    this.#client.disconnect?.();
  }

  async #subscribe(): Promise<void> {
    const number = ++this.#connectionNumber;
    this.#wasRefused = false;
    try {
      await this.#listener.prepare?.(this.#client);
      await this.#client.subscribe(this.#channel);
    } catch (failure) {
      // A lost connection comes again by itself. A refused command is tried on another one, at the next heartbeat: at once
      // would be a storm of connections where the user lacks the permission.
      if (number !== this.#connectionNumber) return;
      this.#wasRefused = true;
      if (replyCode(failure) !== undefined) this.#listener.onRefused(redisFailure(failure, "subscribe", []));
      return;
    }
    if (number !== this.#connectionNumber) return;
    this.#isUp = true;
    this.#listener.onChange(true);
  }

  #beat(): void {
    if (this.#wasRefused) {
      this.renew();
      return;
    }
    // Without an answer the client's socketTimeout closes the connection, and its `close` event says so.
    if (this.#client.status === "ready") this.#client.ping().catch(() => undefined);
  }

  #lost(): void {
    this.#connectionNumber++;
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#listener.onChange(false);
  }
}
