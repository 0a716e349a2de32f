import { requireOptions } from "../option-checks.ts";
import type { Repository } from "./contract.ts";
import { type ExpiryOptions, expiryOf, expiryOptionKinds } from "./expiry.ts";
import { frozenRecord, requireKey } from "./record-checks.ts";

/** How an `InMemoryRepository` keeps time. */
export type InMemoryRepositoryOptions<V> = ExpiryOptions<V>;

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
  readonly #isOver: (value: V) => boolean;
  #sweep: Iterator<[K, V]> | undefined;

  /** @throws {ConfigurationError} when an option is unknown or wrong; the message names it. */
  constructor(options: InMemoryRepositoryOptions<V> = {}) {
    requireOptions("InMemoryRepository", options, expiryOptionKinds);
    this.#isOver = expiryOf(options);
  }

  async get(key: K): Promise<V | undefined> {
    return this.#read(key);
  }

  async set(key: K, value: V): Promise<void> {
    requireKey(key);
    this.#write(key, frozenRecord(value));
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

  async add(key: K, value: V): Promise<boolean> {
    const record = frozenRecord(value);
    // Nothing is awaited between the look and the write: that makes them one step.
    if (this.#read(key) !== undefined) return false;
    this.#write(key, record);
    return true;
  }

  /** The number of records held, expired ones that have not been removed yet included. */
  get size(): number {
    return this.#records.size;
  }

  /** Every record that has not expired. */
  async *entries(): AsyncGenerator<[K, V], void, undefined> {
    for (const [key, value] of [...this.#records]) if (!this.#isOver(value)) yield [key, value];
  }

  #read(key: K): V | undefined {
    requireKey(key);
    const value = this.#records.get(key);
    if (value === undefined || !this.#isOver(value)) return value;
    this.#records.delete(key);
    return undefined;
  }

  #write(key: K, record: V): void {
    this.#sweepSome();
    this.#records.set(key, record);
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
      if (this.#isOver(value)) this.#records.delete(key);
    }
  }
}
