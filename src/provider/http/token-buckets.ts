import type { LRUCache } from "lru-cache";
import { boundedCache } from "../../storage/bounded-cache.ts";
import type { RateLimit, RateLimiter } from "../configuration/request-limit-options.ts";

/** How many callers are counted at a time, those that came last. */
const maxBuckets = 50_000;

/** What a caller may still send. */
interface Bucket {
  readonly tokens: number;
  /** When it was so, in milliseconds since the epoch. */
  readonly at: number;
}

/**
 * Counts in this process's memory. Each caller has a bucket, which is full at first and refills all the time: whoever has
 * had everything gets the next request after a moment, and no window stays shut.
 */
export class TokenBuckets implements RateLimiter {
  readonly #size: number;
  /** How much a bucket gains in a millisecond. */
  readonly #gain: number;
  readonly #clock: () => number;
  readonly #buckets: LRUCache<string, Bucket> = boundedCache(maxBuckets);

  /** @param clock - The time in milliseconds since the epoch. */
  constructor({ requests, perSeconds }: RateLimit, clock: () => number) {
    this.#size = requests;
    this.#gain = requests / (perSeconds * 1000);
    this.#clock = clock;
  }

  /** Rejects with `msBeforeNext` where the bucket is empty: how long it takes until there is a token again. */
  async consume(key: string): Promise<void> {
    const at = this.#clock();
    const before = this.#buckets.get(key) ?? { tokens: this.#size, at };
    // A clock that was set back fills no bucket, and empties none.
    const gained = Math.max(0, at - before.at) * this.#gain;
    const tokens = Math.min(this.#size, before.tokens + gained);
    // Sums of fractions miss a whole number by a little.
    const isEmpty = tokens < 1 - 1e-9;
    this.#buckets.set(key, { tokens: isEmpty ? tokens : Math.max(0, tokens - 1), at });
    if (isEmpty) throw { msBeforeNext: Math.ceil((1 - tokens) / this.#gain) };
  }
}
