import { InvalidKeyError, InvalidRecordError } from "../errors.ts";
import type { Repository } from "./contract.ts";
import { isExpired, type ReadExpiry, readExpiresAt } from "./expiry.ts";
import { frozenCopy } from "./freeze.ts";

/** How an `InMemoryRepository` keeps time. */
export interface InMemoryRepositoryOptions<V> {
  /** The time in milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: () => number;
  /** Reads a record's expiry, in epoch seconds. Default: its `expiresAt`. */
  readonly expiresAt?: ReadExpiry<V>;
}

/** A write looks at this many older records, so expired ones go at least as fast as new ones come. */
const sweptPerWrite = 2;

/**
 * A repository in this process's memory, for development and tests. Each instance has its own records; values are
 * copied and frozen on the way in, so nobody can change what is stored.
 *
 * Expired records are never returned, and every write removes some of them, so they do not pile up; there is no timer.
 *
 * @example
 * ```ts
 * const repository = new InMemoryRepository<string, { name: string }>();
 * await repository.set("ada", { name: "Ada" });
 * await repository.get("ada"); // { name: "Ada" }
 * ```
 */
export class InMemoryRepository<K extends string, V> implements Repository<K, V> {
  readonly #records = new Map<K, V>();
  readonly #clock: () => number;
  readonly #expiresAt: ReadExpiry<V>;
  #sweep: Iterator<[K, V]> | undefined;

  constructor(options: InMemoryRepositoryOptions<V> = {}) {
    this.#clock = options.clock ?? Date.now;
    this.#expiresAt = options.expiresAt ?? readExpiresAt;
  }

  async get(key: K): Promise<V | undefined> {
    return this.#read(key);
  }

  async set(key: K, value: V): Promise<void> {
    assertKey(key);
    if (value === undefined) throw new InvalidRecordError("undefined is not a record; use delete to remove one.");
    this.#sweepSome();
    this.#records.set(key, frozenCopy(value));
  }

  async delete(key: K): Promise<boolean> {
    const existed = this.#read(key) !== undefined;
    this.#records.delete(key);
    return existed;
  }

  async take(key: K): Promise<V | undefined> {
    const value = this.#read(key);
    this.#records.delete(key);
    return value;
  }

  /** The number of records held, expired ones that have not been removed yet included. */
  get size(): number {
    return this.#records.size;
  }

  /** Every record that has not expired. */
  async *entries(): AsyncGenerator<[K, V], void, undefined> {
    for (const [key, value] of [...this.#records]) {
      if (!isExpired(this.#expiresAt(value), this.#clock())) yield [key, value];
    }
  }

  #read(key: K): V | undefined {
    assertKey(key);
    const value = this.#records.get(key);
    if (value === undefined || !isExpired(this.#expiresAt(value), this.#clock())) return value;
    this.#records.delete(key);
    return undefined;
  }

  #sweepSome(): void {
    for (let looked = 0; looked < sweptPerWrite; looked += 1) {
      this.#sweep ??= this.#records.entries();
      const next = this.#sweep.next();
      if (next.done === true) {
        this.#sweep = undefined;
        return;
      }
      const [key, value] = next.value;
      if (isExpired(this.#expiresAt(value), this.#clock())) this.#records.delete(key);
    }
  }
}

function assertKey(key: unknown): void {
  if (typeof key !== "string" || key === "") throw new InvalidKeyError("A key must be a string that is not empty.");
}
