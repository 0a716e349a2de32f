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

/** The most recently used copies of records, within a budget of entries, of bytes, or both. */
export class Copies<V> {
  readonly #byKey = new Map<string, Copy<V>>();
  /** The same copies in the order of their use. */
  readonly #byUse: LRUCache<string, Copy<V>>;
  readonly #names: RecordNames;
  readonly #maxBytes: number;
  /** What the smallest record counts for: all of the cache divided by `max`. */
  readonly #leastWeight: number;
  readonly #unmarkedTurnover: number;
  /** How much has been put into the cache, in bytes where those are counted, otherwise in entries. */
  #turnover = 0;

  /** @param names - Held for each copy. */
  constructor(max: number | undefined, maxBytes: number | undefined, names: RecordNames) {
    const dispose = (copy: Copy<V>, key: string): void => {
      this.#byKey.delete(key);
      names.release(copy.name);
    };
    const capacity = maxBytes ?? max ?? 0;
    this.#names = names;
    this.#maxBytes = maxBytes ?? Number.POSITIVE_INFINITY;
    this.#leastWeight = max === undefined ? 1 : Math.ceil(capacity / max);
    this.#unmarkedTurnover = Math.max(1, Math.floor(capacity * unmarkedPart));
    this.#byUse =
      maxBytes === undefined
        ? new LRUCache({ max: capacity, dispose })
        : new LRUCache({ maxSize: maxBytes, dispose, ...(max !== undefined && { max }) });
  }

  /** The copy, fresh or not, marked as used. */
  get(key: string): Copy<V> | undefined {
    const copy = this.#byKey.get(key);
    if (copy !== undefined && this.#turnover - copy.usedAt >= this.#unmarkedTurnover) this.#mark(key, copy);
    return copy;
  }

  /** The copy, fresh or not. */
  peek(key: string): Copy<V> | undefined {
    return this.#byKey.get(key);
  }

  /** Keeps a copy, in place of any that the key had; one that is larger than the whole budget is not kept. */
  put(key: string, copy: Copy<V>, bytes: number | undefined): void {
    this.drop(key);
    if (bytes !== undefined && bytes > this.#maxBytes) return;
    this.#turnover += Math.max(this.#leastWeight, bytes ?? 1);
    copy.usedAt = this.#turnover;
    this.#names.retain(copy.name);
    this.#byKey.set(key, copy);
    this.#byUse.set(key, copy, bytes === undefined ? {} : { size: bytes });
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

  #mark(key: string, copy: Copy<V>): void {
    copy.usedAt = this.#turnover;
    this.#byUse.get(key);
  }
}
