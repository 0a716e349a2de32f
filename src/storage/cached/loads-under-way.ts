import { type PromiseWithResolvers, withResolvers } from "../with-resolvers.ts";
import type { RecordNames } from "./record-names.ts";

/** One read of the backend, shared by every caller that asks for the key while it is under way. */
export interface Load<V> {
  readonly key: string;
  /** The key's name in the invalidation channel. */
  readonly name: string;
  /** In milliseconds of the cache's clock. What the backend answers is at least as new as this. */
  readonly startedAt: number;
  /** What the callers wait for. */
  readonly answer: PromiseWithResolvers<V | undefined>;
}

/**
 * The reads of the backend that later callers may join, one for each key. A read that a write or an invalidation
 * overtakes is forgotten: it still answers those who wait for it, but nobody joins it and it may not fill the cache.
 */
export class LoadsUnderWay<V> {
  readonly #loads = new Map<string, Load<V>>();
  readonly #names: RecordNames;

  /** @param names - Held for each read that may be joined. */
  constructor(names: RecordNames) {
    this.#names = names;
  }

  /** Begins a read, in place of any that the key had. */
  begin(key: string, startedAt: number): Load<V> {
    const name = this.#names.hold(key);
    this.overtake(key);
    const load: Load<V> = { key, name, startedAt, answer: withResolvers() };
    this.#loads.set(key, load);
    return load;
  }

  get(key: string): Load<V> | undefined {
    return this.#loads.get(key);
  }

  /** True for a read that nothing has overtaken. */
  has(load: Load<V>): boolean {
    return this.#loads.get(load.key) === load;
  }

  /** Forgets a read that is over, unless another has taken its place. */
  end(load: Load<V>): void {
    if (this.has(load)) this.overtake(load.key);
  }

  /** Forgets the read of a key. */
  overtake(key: string): void {
    const load = this.#loads.get(key);
    if (load === undefined) return;
    this.#loads.delete(key);
    this.#names.release(load.name);
  }

  /** Forgets every read. */
  overtakeAll(): void {
    for (const key of this.#loads.keys()) this.overtake(key);
  }
}
