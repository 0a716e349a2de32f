import { hash } from "node:crypto";
import { requireThat } from "../../option-checks.ts";

/** Whether messages of an {@link InvalidationChannel} reach this process at the moment. */
export type InvalidationConnection = "up" | "down";

/**
 * What a cache does with the messages of an {@link InvalidationChannel}. Both methods return at once and never throw.
 *
 * @example
 * ```ts
 * const subscriber: InvalidationSubscriber = {
 *   onInvalidate: (names) => (names === "all" ? cache.clear() : names.forEach((name) => cache.delete(name))),
 *   onConnectionChange: () => cache.clear(),
 * };
 * ```
 */
export interface InvalidationSubscriber {
  /** These records changed somewhere else, or `"all"` may have. The names have the form that `channel.names` says. */
  onInvalidate(names: Iterable<string> | "all"): void;

  /**
   * The subscription was lost (`"down"`) or is in place (`"up"`). Until the first `"up"` it counts as down. A channel
   * that finds it was cut off without having noticed says `"down"`, then `"up"`.
   */
  onConnectionChange(connection: InvalidationConnection): void;
}

/** One cache's part in an {@link InvalidationChannel}. Disposing of it ends its messages; the channel stays open. */
export interface InvalidationSubscription {
  /**
   * Tells every other subscriber, in this process and elsewhere, that a record has changed. A cache calls it after each
   * write. The subscriber that it belongs to need not get the message back. A channel whose store reports the changes
   * by itself does nothing here.
   *
   * Rejects, within a deadline of its own, where the message could not be handed over.
   *
   * @param name - The record's name, in the form that `channel.names` says.
   */
  publish(name: string): Promise<void>;

  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Tells the caches of several instances which records have changed. Messages may be lost while a channel says that it is
 * `"down"`, and only then; there is no order or delay to rely on, and a message that comes twice does no harm.
 *
 * @example
 * ```ts
 * const channel: InvalidationChannel = new InMemoryInvalidationChannel();
 * const one = new CachedRepository(backend, { max: 1_000, maxStaleness: 30_000, invalidation: channel });
 * const other = new CachedRepository(backend, { max: 1_000, maxStaleness: 30_000, invalidation: channel });
 * ```
 */
export interface InvalidationChannel {
  /**
   * How the channel names a record:
   * - `"sha256"`: by the SHA-256 of its key, see {@link sha256Name}. For a channel that carries messages of its own, as
   *   pub/sub does: nobody who listens learns a key.
   * - `"key"`: by the key itself. For a store that reports its own changes, as Redis does with `CLIENT TRACKING`.
   */
  readonly names: "sha256" | "key";

  /**
   * Starts the messages. Does not wait for the connection: `onConnectionChange("up")` says when it is in place, which
   * may be before `subscribe` returns.
   */
  subscribe(subscriber: InvalidationSubscriber): InvalidationSubscription;

  /**
   * Asked by a cache about the repository that it is in front of, where the channel can tell whether it reports that
   * repository's changes.
   *
   * @throws {ConfigurationError} when the channel reports the changes of another repository.
   */
  requireRepository?(repository: object): void;
}

/**
 * Has a channel for each repository, and finds out by itself which: as `RedisTrackingInvalidation` does.
 *
 * @example
 * ```ts
 * const invalidation: InvalidationSource = new RedisTrackingInvalidation(redis);
 * const cached = cacheRepositories(repositories, { maxStaleness: 30_000, invalidation });
 * ```
 */
export interface InvalidationSource {
  /**
   * The channel on which the changes of a repository are told.
   *
   * @throws {ConfigurationError} when this source does not hear of that repository's changes.
   */
  forRepository(repository: object): InvalidationChannel;
}

/**
 * The name of a record in an {@link InvalidationChannel} that hides keys: the SHA-256 of the key in base64url.
 *
 * @throws {ConfigurationError} when the key is no string.
 *
 * @example
 * ```ts
 * await subscription.publish(sha256Name("sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
 * ```
 */
export function sha256Name(key: string): string {
  requireThat(typeof key === "string", "sha256Name() needs the key as a string.");
  return hash("sha256", key, "base64url");
}
