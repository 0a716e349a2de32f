import { LRUCache } from "lru-cache";
import type { Remembered } from "../memory-read.ts";
import type { RecordNames } from "./record-names.ts";

/** What a copy of a record is made of. All times are milliseconds of the cache's clock. */
export interface CopyParts<V> {
  /** The key's name in the invalidation channel. */
  readonly name: string;
  /** The record, frozen. */
  readonly value: V;
  /** The record is at least as new as this. A clock that says less has been set back: the copy's age is unknown. */
  readonly asOf: number;
  /** From here on the backend has to be asked. */
  readonly freshUntil: number;
  /** Before this the copy may stand in for a backend that fails. */
  readonly servableUntil: number;
}

/** A record in memory. */
export class Copy<V> implements Remembered<V> {
  readonly key: string;
  readonly name: string;
  readonly value: V;
  /** Resolved with the record: one promise for every hit, so that a hit allocates nothing. */
  readonly answer: Promise<V>;
  readonly asOf: number;
  /** A copy that is no longer in the cache is never fresh again. */
  freshUntil: number;
  readonly servableUntil: number;
  /** The turnover of the copies when this one was last marked as used. Set by {@link Copies}. */
  usedAt = 0;
  note: unknown;
  readonly #copies: Copies<V>;

  constructor(copies: Copies<V>, key: string, { name, value, asOf, freshUntil, servableUntil }: CopyParts<V>) {
    this.#copies = copies;
    this.key = key;
    this.name = name;
    this.value = value;
    this.answer = Object.freeze(new Promise<V>((resolve) => resolve(value)));
    this.asOf = asOf;
    this.freshUntil = freshUntil;
    this.servableUntil = servableUntil;
  }

  /** True where the backend need not be asked. */
  isFresh(now: number): boolean {
    return now < this.freshUntil && now >= this.asOf;
  }

  current(): V | undefined {
    if (!this.isFresh(this.#copies.clock())) return undefined;
    this.#copies.use(this);
    return this.value;
  }
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

  /** In milliseconds. */
  readonly clock: () => number;

  /** @param names - Held for each copy. */
  constructor(max: number, names: RecordNames, clock: () => number) {
    const dispose = (copy: Copy<V>, key: string): void => {
      this.#byKey.delete(key);
      // Whoever still holds the copy is answered by it no more.
      copy.freshUntil = Number.NEGATIVE_INFINITY;
      names.release(copy.name);
    };
    this.clock = clock;
    this.#names = names;
    this.#unmarkedTurnover = Math.max(1, Math.floor(max * unmarkedPart));
    this.#byUse = new LRUCache({ max, dispose });
  }

  /** The copy, fresh or not, marked as used. */
  get(key: string): Copy<V> | undefined {
    const copy = this.#byKey.get(key);
    if (copy !== undefined) this.use(copy);
    return copy;
  }

  /** Marks a copy that is in the cache as used. */
  use(copy: Copy<V>): void {
    if (this.#turnover - copy.usedAt < this.#unmarkedTurnover) return;
    copy.usedAt = this.#turnover;
    this.#byUse.get(copy.key);
  }

  /** The copy, fresh or not. */
  peek(key: string): Copy<V> | undefined {
    return this.#byKey.get(key);
  }

  /** Keeps a copy, in place of any that the key had. */
  put(key: string, parts: CopyParts<V>): void {
    this.drop(key);
    const copy = new Copy(this, key, parts);
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
