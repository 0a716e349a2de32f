import { randomUUID } from "node:crypto";
import type { StorageError } from "../../errors.ts";
import { type OptionKinds, requireOptions, requireTimeout } from "../../option-checks.ts";
import type {
  InvalidationChannel,
  InvalidationConnection,
  InvalidationSubscriber,
  InvalidationSubscription,
} from "../cached/invalidation.ts";
import { MessagePublisher, requireMaxUnsent } from "../cached/message-publisher.ts";
import { everything } from "../cached/unsent-messages.ts";
import { KeySpace } from "../key-space.ts";
import { hearErrorEvents } from "./error-events.ts";
import { type PublishingClient, publishTransport } from "./publish-transport.ts";
import { listenablePort, type OtherRedisClient } from "./redis-port.ts";
import {
  mastersOf,
  onClusterEvents,
  type RedisCallable,
  type SubscribableClient,
  SubscriberConnection,
} from "./subscriber-connection.ts";

/** Settings of a {@link RedisPubSubInvalidation}. */
export interface RedisPubSubOptions {
  /**
   * Names the channel: 1 to 64 of `a-z`, `0-9`, `_` and `-`. The instances of a server share it; it need not be the prefix of
   * any repository. Servers that share a Redis hear less of each other with a name each. Default: `pangea`.
   */
  readonly prefix?: string;
  /** How long publishing a message may take, in milliseconds. Default 2,000. */
  readonly timeout?: number;
  /**
   * How often the listening connection is asked for a sign of life, and how long it may take to give it, in milliseconds.
   * Default 5,000. A connection that dies without a word is found out within two heartbeats.
   */
  readonly heartbeat?: number;
  /**
   * How many messages are kept that could not be published. They are sent when Redis can be reached again; where there are
   * more, the other instances are told that everything may have changed. Default: 10,000.
   */
  readonly maxUnsent?: number;
  /**
   * Told when Redis refuses the subscription: the channel stays `"down"`, and is tried again at each heartbeat. The Redis
   * user needs `+subscribe`, `+ping`, `+publish` and the channel `&pangea-invalidate:*`.
   */
  readonly onRefused?: (error: StorageError) => void;
}

/** What every channel begins with. */
export const channelStart = "pangea-invalidate:";

const defaultTimeout = 2_000;
const optionKinds: OptionKinds<RedisPubSubOptions> = {
  prefix: "any",
  timeout: "any",
  heartbeat: "any",
  maxUnsent: "any",
  onRefused: "function",
};
const defaultHeartbeat = 5_000;
/** The instance that says it, and the SHA-256 of the record's key in base64url, or that everything may have changed. */
const messageForm = /^([0-9a-f-]{36}) ([A-Za-z0-9_-]{43}|\*)$/;

/**
 * Tells the caches of other instances what has changed, over Redis pub/sub: for caches in front of a store that does not
 * report its changes, as Vault does not. In front of Redis itself `RedisTrackingInvalidation` hears more.
 *
 * One serves all repositories of a server. Messages carry the SHA-256 of keys, never keys. A message that could not be
 * published is told as a failure, kept, and sent when Redis can be reached again, the oldest first. Redis keeps none for who is not listening: when the listening
 * connection is lost the channel is `"down"` until it has subscribed again. On a Cluster a message also travels between
 * the nodes, and one that is lost there is not noticed; `maxStaleness` bounds what that costs.
 *
 * @example
 * ```ts
 * const repositories = cacheRepositories(createVaultRepositories(token), {
 *   maxStaleness: 30_000,
 *   invalidation: new RedisPubSubInvalidation(redis),
 * });
 * ```
 */
export class RedisPubSubInvalidation implements InvalidationChannel, AsyncDisposable {
  readonly names = "sha256";
  readonly #redis: PublishingClient & SubscribableClient;
  readonly #channel: string;
  readonly #heartbeat: number;
  readonly #onRefused: ((error: StorageError) => void) | undefined;
  readonly #publisher: MessagePublisher;
  readonly #subscribers = new Set<InvalidationSubscriber>();
  readonly #instance = randomUUID();
  #source: RedisCallable | undefined;
  #listening: SubscriberConnection | undefined;
  #stopFollowing: (() => void) | undefined;

  /**
   * @param client - A client with the recommended settings: plain, Sentinel or Cluster. It publishes; a second connection,
   * opened with its settings, listens.
   * @throws {ConfigurationError} For a prefix outside its alphabet, and for times and a `maxUnsent` that are out of range.
   */
  constructor(client: (PublishingClient & SubscribableClient) | OtherRedisClient, options: RedisPubSubOptions = {}) {
    requireOptions("RedisPubSubInvalidation", options, optionKinds);
    const redis = listenablePort(client);
    const { prefix = "pangea", timeout = defaultTimeout, heartbeat = defaultHeartbeat } = options;
    requireTimeout("timeout", timeout);
    requireTimeout("heartbeat", heartbeat);
    const maxUnsent = requireMaxUnsent(options.maxUnsent);
    hearErrorEvents(redis);
    this.#redis = redis;
    this.#channel = channelStart + new KeySpace(prefix).prefix;
    this.#heartbeat = heartbeat;
    this.#onRefused = options.onRefused;
    const transport = publishTransport(redis, { channel: this.#channel, sender: this.#instance, timeout });
    this.#publisher = new MessagePublisher(transport, { maxUnsent, retryInterval: heartbeat });
  }

  subscribe(subscriber: InvalidationSubscriber): InvalidationSubscription {
    this.#subscribers.add(subscriber);
    if (this.#stopFollowing === undefined) this.#start();
    else if (this.#listening?.isUp) subscriber.onConnectionChange("up");
    return {
      publish: (name) => this.#publish(name, subscriber),
      [Symbol.asyncDispose]: async () => void this.#subscribers.delete(subscriber),
    };
  }

  /** Ends the messages and closes the connection that was opened to listen. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopFollowing?.();
    this.#listening?.close();
    this.#subscribers.clear();
    await this.#publisher.close();
  }

  #start(): void {
    const listen = (): void => this.#listen();
    this.#stopFollowing = onClusterEvents(this.#redis, ["ready", "refresh", "+node", "-node"], listen);
    listen();
  }

  /** Listens at the client's server; on a Cluster at one node, and at another when that node has left the Cluster. */
  #listen(): void {
    const masters = mastersOf(this.#redis);
    if (this.#source !== undefined && masters.includes(this.#source)) return;
    this.#listening?.close();
    this.#source = masters[0];
    this.#listening =
      this.#source &&
      new SubscriberConnection(this.#source, this.#channel, this.#heartbeat, {
        onMessage: (message) => this.#onMessage(message),
        onChange: (up) => this.#tell(up ? "up" : "down"),
        onRefused: (error) => this.#onRefused?.(error),
      });
  }

  async #publish(name: string, from: InvalidationSubscriber): Promise<void> {
    for (const other of this.#subscribers) if (other !== from) other.onInvalidate([name]);
    await this.#publisher.publish(name);
  }

  #onMessage(message: unknown): void {
    const [, instance, name] = messageForm.exec(String(message)) ?? [];
    if (name === undefined || instance === this.#instance) return;
    for (const subscriber of this.#subscribers) subscriber.onInvalidate(name === everything ? "all" : [name]);
  }

  #tell(connection: InvalidationConnection): void {
    for (const subscriber of this.#subscribers) subscriber.onConnectionChange(connection);
  }
}
