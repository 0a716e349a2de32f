import type {
  InvalidationChannel,
  InvalidationSubscriber,
  InvalidationSubscription,
} from "../../src/storage/cached/invalidation.ts";

/** An invalidation channel whose connection the test switches. Messages sent while it is down are lost. */
export class SwitchedInvalidationChannel implements InvalidationChannel {
  readonly names: "sha256" | "key";
  /** Every name that a cache published, in order. */
  readonly published: string[] = [];
  /** What `publish` rejects with, where set. */
  publishFailure: Error | undefined;
  readonly #subscribers = new Set<InvalidationSubscriber>();
  #up = false;

  constructor(names: "sha256" | "key" = "sha256") {
    this.names = names;
  }

  subscribe(subscriber: InvalidationSubscriber): InvalidationSubscription {
    this.#subscribers.add(subscriber);
    if (this.#up) subscriber.onConnectionChange("up");
    return {
      publish: async (name) => {
        if (this.publishFailure !== undefined) throw this.publishFailure;
        this.published.push(name);
        if (this.#up) for (const other of this.#subscribers) if (other !== subscriber) other.onInvalidate([name]);
      },
      [Symbol.asyncDispose]: async () => {
        this.#subscribers.delete(subscriber);
      },
    };
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  /** Connects or cuts every subscriber. */
  switch(connection: "up" | "down"): void {
    this.#up = connection === "up";
    for (const subscriber of this.#subscribers) subscriber.onConnectionChange(connection);
  }

  /** A message from another process. */
  invalidate(names: Iterable<string> | "all"): void {
    for (const subscriber of this.#subscribers) subscriber.onInvalidate(names);
  }
}
