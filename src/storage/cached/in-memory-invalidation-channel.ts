import type { InvalidationChannel, InvalidationSubscriber, InvalidationSubscription } from "./invalidation.ts";

/**
 * An {@link InvalidationChannel} for several caches in one process, and for tests. Messages arrive at once; the
 * connection is always up.
 *
 * @example
 * ```ts
 * const channel = new InMemoryInvalidationChannel();
 * const one = new CachedRepository(backend, { max: 1_000, maxStaleness: 30_000, invalidation: channel });
 * const other = new CachedRepository(backend, { max: 1_000, maxStaleness: 30_000, invalidation: channel });
 * await one.delete("a"); // `other` no longer has a copy
 * ```
 */
export class InMemoryInvalidationChannel implements InvalidationChannel {
  readonly names = "sha256";
  readonly #subscribers = new Set<InvalidationSubscriber>();

  subscribe(subscriber: InvalidationSubscriber): InvalidationSubscription {
    this.#subscribers.add(subscriber);
    subscriber.onConnectionChange("up");
    return {
      publish: async (name) => {
        for (const other of this.#subscribers) if (other !== subscriber) other.onInvalidate([name]);
      },
      [Symbol.asyncDispose]: async () => {
        this.#subscribers.delete(subscriber);
      },
    };
  }
}
