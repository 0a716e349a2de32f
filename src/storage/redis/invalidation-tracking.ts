import { ConfigurationError, type StorageError } from "../../errors.ts";
import { type OptionKinds, requireOptions, requireThat, requireTimeout } from "../../option-checks.ts";
import type {
  InvalidationChannel,
  InvalidationConnection,
  InvalidationSource,
  InvalidationSubscriber,
  InvalidationSubscription,
} from "../cached/invalidation.ts";
import { KeySpace } from "../key-space.ts";
import { hearErrorEvents } from "./error-events.ts";
import { type OtherRedisClient, trackablePort } from "./redis-port.ts";
import { RedisRepository } from "./redis-repository.ts";
import { mastersOf, onClusterEvents, type RedisCallable, type SubscribableClient } from "./subscriber-connection.ts";
import { TrackingLink } from "./tracking-link.ts";

/** Settings of {@link RedisTrackingInvalidation}. */
export interface RedisTrackingOptions {
  /**
   * How often both connections are asked for a sign of life, and how long they may take to give it, in milliseconds.
   * Default 5,000. A connection that dies without a word is found out within two heartbeats.
   */
  readonly heartbeat?: number;
  /**
   * Told when Redis refuses the tracking or the subscription: the channel stays `"down"`, and is tried again at each
   * heartbeat. The Redis user needs `+client`, `+info`, `+subscribe`, `+ping` and the channel `&__redis__:invalidate`; on
   * a Cluster one call for each node may come.
   */
  readonly onRefused?: (error: StorageError) => void;
}

interface Listener {
  readonly keys: KeySpace;
  readonly subscriber: InvalidationSubscriber;
}

const optionKinds: OptionKinds<RedisTrackingOptions> = { heartbeat: "any", onRefused: "function" };
const defaultHeartbeat = 5_000;
const clusterEvents = ["ready", "close", "end", "refresh", "+node", "-node"];

/**
 * Keeps caches in front of Redis true by Redis's own reports: every change of a key, by whatever client, its expiry and
 * eviction among them, and a flush of the database.
 *
 * It takes the client that the repositories use, which is then tracked, and opens a second connection to each server to
 * listen on. Changes made through that client are not reported back to it. Losing either connection is `"down"` at once;
 * after both are back and Redis has confirmed the tracking it is `"up"`.
 *
 * One instance serves any number of repositories; make no second one for the same client.
 *
 * @example
 * ```ts
 * const tracking = new RedisTrackingInvalidation(redis);
 * const repositories = cacheRepositories(createRedisRepositories(redis, { keys }), {
 *   maxStaleness: 30_000,
 *   invalidation: tracking,
 * });
 * ```
 *
 * @see https://redis.io/docs/latest/develop/reference/client-side-caching/
 */
export class RedisTrackingInvalidation implements InvalidationSource, AsyncDisposable {
  /** What its owner knows the client by. */
  readonly #client: object;
  readonly #redis: SubscribableClient;
  readonly #heartbeat: number;
  readonly #onRefused: ((error: StorageError) => void) | undefined;
  readonly #listeners = new Set<Listener>();
  readonly #links = new Map<RedisCallable, TrackingLink>();
  #connection: InvalidationConnection = "down";
  #stopFollowing: (() => void) | undefined;

  /**
   * @param client - The client that the repositories use: plain, Sentinel or Cluster, of ioredis or node-redis.
   * @throws {ConfigurationError} For a heartbeat that no timer takes, and for a client of Valkey GLIDE, which does not tell
   * when its connection is made anew.
   */
  constructor(client: SubscribableClient | OtherRedisClient, options: RedisTrackingOptions = {}) {
    requireOptions("RedisTrackingInvalidation", options, optionKinds);
    const redis = trackablePort(client);
    hearErrorEvents(redis);
    this.#client = client;
    this.#redis = redis;
    this.#heartbeat = options.heartbeat ?? defaultHeartbeat;
    requireTimeout("heartbeat", this.#heartbeat);
    this.#onRefused = options.onRefused;
  }

  /**
   * The changes of one repository's records.
   *
   * @param repository - A `RedisRepository` on this client, alone or of `createRedisRepositories`.
   * @throws {ConfigurationError} For a repository on another client, and for one of another kind: Redis tells of keys, and
   * only a `RedisRepository` says which are its own. Where something is in front of one, use `forPrefix`.
   *
   * @example
   * ```ts
   * const { grants } = createRedisRepositories(redis);
   * const cached = new CachedRepository(grants, { max: 10_000, maxStaleness: 30_000, invalidation: tracking.forRepository(grants) });
   * ```
   */
  forRepository(repository: object): InvalidationChannel {
    if (!(repository instanceof RedisRepository)) {
      throw new ConfigurationError(
        "invalidation: RedisTrackingInvalidation hears of a RedisRepository's records only. In front of another store use " +
          "RedisPubSubInvalidation; where something is in front of the RedisRepository, forPrefix(repository.prefix).",
      );
    }
    this.#requireOwn(repository);
    return this.forPrefix(repository.prefix);
  }

  /**
   * The changes of the records under one prefix, for a repository that is not itself a `RedisRepository` but has one behind
   * it. A cache refuses this channel in front of a `RedisRepository` with another prefix.
   *
   * @param prefix - The prefix of the repository: its `prefix`.
   * @throws {ConfigurationError} For a prefix outside its alphabet.
   */
  forPrefix(prefix: string): InvalidationChannel {
    const keys = new KeySpace(prefix);
    return {
      names: "key",
      subscribe: (subscriber) => this.#subscribe({ keys, subscriber }),
      requireRepository: (repository) => {
        if (!(repository instanceof RedisRepository)) return;
        this.#requireOwn(repository);
        requireThat(
          repository.prefix === prefix,
          `invalidation: forPrefix("${prefix}") was asked for, and the repository has the prefix "${repository.prefix}"; use forRepository(repository).`,
        );
      },
    };
  }

  /** Ends the tracking and closes the connections that were opened for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopFollowing?.();
    const links = [...this.#links.values()];
    this.#links.clear();
    this.#onLinkChange();
    this.#listeners.clear();
    await Promise.all(links.map((link) => link.close()));
  }

  #subscribe(listener: Listener): InvalidationSubscription {
    const isNewPrefix = ![...this.#listeners].some(({ keys }) => keys.prefix === listener.keys.prefix);
    this.#listeners.add(listener);
    if (this.#stopFollowing === undefined) this.#start();
    else if (isNewPrefix) for (const link of this.#links.values()) link.arm();
    else if (this.#connection === "up") listener.subscriber.onConnectionChange("up");
    return {
      // Redis tells every other client; NOLOOP leaves out this one, and with it the other caches that share it.
      publish: async (name) => {
        for (const other of this.#listeners) {
          if (other !== listener && other.keys.prefix === listener.keys.prefix) other.subscriber.onInvalidate([name]);
        }
      },
      [Symbol.asyncDispose]: async () => void this.#listeners.delete(listener),
    };
  }

  #requireOwn(repository: { isOn(redis: object): boolean }): void {
    requireThat(
      repository.isOn(this.#client),
      "invalidation: the repository is on another Redis client than this RedisTrackingInvalidation; give both the same.",
    );
  }

  #start(): void {
    const follow = (): void => this.#followMasters();
    this.#stopFollowing = onClusterEvents(this.#redis, clusterEvents, follow);
    follow();
  }

  /** Links to the masters that there are now, and to no other node. */
  #followMasters(): void {
    const masters = new Set(mastersOf(this.#redis));
    for (const master of masters) if (!this.#links.has(master)) this.#links.set(master, this.#link(master));
    for (const [node, link] of this.#links) {
      if (masters.has(node)) continue;
      this.#links.delete(node);
      void link.close();
    }
    this.#onLinkChange();
  }

  #link(data: RedisCallable): TrackingLink {
    return new TrackingLink(data, () => this.#prefixes(), this.#heartbeat, {
      onInvalidate: (redisKeys) => this.#onInvalidate(redisKeys),
      onChange: () => this.#onLinkChange(),
      onRefused: (error) => this.#onRefused?.(error),
    });
  }

  #prefixes(): Set<string> {
    return new Set([...this.#listeners].map(({ keys }) => keys.start));
  }

  #onInvalidate(redisKeys: readonly string[] | "all"): void {
    for (const { keys, subscriber } of this.#listeners) {
      if (redisKeys === "all") {
        subscriber.onInvalidate("all");
        continue;
      }
      const names = redisKeys.map((redisKey) => keys.recordKey(redisKey)).filter((key) => key !== undefined);
      if (names.length > 0) subscriber.onInvalidate(names);
    }
  }

  /** Up when every server reports its changes, and there is one. */
  #onLinkChange(): void {
    const links = [...this.#links.values()];
    const connection =
      this.#redis.status === "ready" && links.length > 0 && links.every((link) => link.isUp) ? "up" : "down";
    if (connection === this.#connection) return;
    this.#connection = connection;
    for (const { subscriber } of this.#listeners) subscriber.onConnectionChange(connection);
  }
}
