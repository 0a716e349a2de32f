import { LRUCache } from "lru-cache";
import type { RecordNames } from "./record-names.ts";

/** A record in memory. All times are milliseconds of the cache's clock. */
export interface Copy<V> {
  /** The key's name in the invalidation channel. */
  readonly name: string;
  /** The record, frozen. */
  readonly value: V;
  /** Resolved with the record: one promise for every hit, so that a hit allocates nothing. */
  readonly answer: Promise<V>;
  /** The record is at least as new as this. A clock that says less has been set back: the copy's age is unknown. */
  readonly asOf: number;
  /** From here on the backend has to be asked. */
  freshUntil: number;
  /** Before this the copy may stand in for a backend that fails. */
  readonly servableUntil: number;
  /** The turnover of the copies when this one was last marked as used. Set by {@link Copies}. */
  usedAt: number;
}

/**
 * A copy that is read is marked as used only once this part of the cache was replaced since it was marked last. Marking
 * takes longer than finding, and nearly every hit is spared it; a copy still outlives its last use by the other 7/8.
 */
const unmarkedPart = 1 / 8;

/** The most recently used copies of records, within a budget of entries. */
export class Copies<V> {
  readonly #byKey = new Map<string, Copy<V>>();
  /** The same copies in the order of their use. */
  readonly #byUse: LRUCache<string, Copy<V>>;
  readonly #names: RecordNames;
  readonly #unmarkedTurnover: number;
  /** How many copies have been put into the cache. */
  #turnover = 0;

  /** @param names - Held for each copy. */
  constructor(max: number, names: RecordNames) {
    const dispose = (copy: Copy<V>, key: string): void => {
      this.#byKey.delete(key);
      names.release(copy.name);
    };
    this.#names = names;
    this.#unmarkedTurnover = Math.max(1, Math.floor(max * unmarkedPart));
    this.#byUse = new LRUCache({ max, dispose });
  }

  /** The copy, fresh or not, marked as used. */
  get(key: string): Copy<V> | undefined {
    const copy = this.#byKey.get(key);
    if (copy !== undefined && this.#turnover - copy.usedAt >= this.#unmarkedTurnover) {
      copy.usedAt = this.#turnover;
      this.#byUse.get(key);
    }
    return copy;
  }

  /** The copy, fresh or not. */
  peek(key: string): Copy<V> | undefined {
    return this.#byKey.get(key);
  }

  /** Keeps a copy, in place of any that the key had. */
  put(key: string, copy: Copy<V>): void {
    this.drop(key);
    this.#turnover += 1;
    copy.usedAt = this.#turnover;
    this.#names.retain(copy.name);
    this.#byKey.set(key, copy);
    this.#byUse.set(key, copy);
  }

  drop(key: string): void {
    this.#byUse.delete(key);
  }

  clear(): void {
    this.#byUse.clear();
  }

  /** From now on the backend has to be asked for every record; the copies can only stand in for it. */
  expireAll(): void {
    for (const copy of this.#byKey.values()) copy.freshUntil = Number.NEGATIVE_INFINITY;
  }
}
