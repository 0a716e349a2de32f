import type { StorageError } from "../../errors.ts";
import { hearErrorEvents } from "./error-events.ts";
import { redisFailure, replyCode } from "./redis-failure.ts";
import type { RedisConnection } from "./redis-like.ts";
import { failoverOptions, retryDelay } from "./redis-options.ts";

/** Settings of a connection that only listens. RESP2, since ioredis hears invalidation messages in no other way. */
const subscriberSettings = (socketTimeout: number) =>
  ({
    protocol: 2,
    lazyConnect: true,
    readOnly: false,
    autoResubscribe: false,
    autoResendUnfulfilledCommands: false,
    enableOfflineQueue: true,
    maxRetriesPerRequest: 0,
    socketTimeout,
    retryStrategy: retryDelay,
    ...failoverOptions,
  }) as const;

/** A connection that commands can be sent on by name, and that can be opened a second time. */
export interface RedisCallable extends RedisConnection {
  call(command: string, ...parameters: (string | number)[]): Promise<unknown>;
  duplicate(settings: ReturnType<typeof subscriberSettings>): SubscriberClient;
}

/** A Cluster client, for the connections to its nodes. */
export interface TrackableCluster extends RedisConnection {
  readonly isCluster: boolean;
  nodes(role: "master"): RedisCallable[];
}

/** A client whose servers can be listened at. */
export type SubscribableClient = RedisCallable | TrackableCluster;

/** The servers that have the client's keys: those of a Cluster now, or the client's one server. */
export function mastersOf(redis: SubscribableClient): RedisCallable[] {
  return "nodes" in redis ? redis.nodes("master") : [redis];
}

/**
 * Calls the listener at events of a Cluster client: those after which the Cluster may have other masters. Every other
 * client has one server, and it stays the same.
 *
 * @returns What ends the calls.
 */
export function onClusterEvents(
  redis: SubscribableClient,
  events: readonly string[],
  listener: () => void,
): () => void {
  if (!("nodes" in redis)) return () => undefined;
  for (const event of events) redis.on(event, listener);
  return () => {
    for (const event of events) redis.off(event, listener);
  };
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
    // Without an answer for a heartbeat the client closes the connection.
    this.#client = source.duplicate(subscriberSettings(heartbeat));
    this.#client.on("ready", () => void this.#subscribe());
    this.#client.on("close", () => this.#lost());
    this.#client.on("end", () => this.#lost());
    hearErrorEvents(this.#client);
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
    this.#lost();
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
