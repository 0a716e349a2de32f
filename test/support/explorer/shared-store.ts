import { StorageTimeoutError, StorageUnavailableError } from "../../../src/errors.ts";
import { createRepositories, type ProviderRepositories } from "../../../src/index.ts";
import { isExpired, readExpiresAt } from "../../../src/storage/expiry.ts";
import type { StageDoor } from "./stage.ts";

/** A record, where it lies, and when it ends. */
export interface StoredRecord {
  readonly kind: string;
  readonly key: string;
  readonly value: unknown;
  /** In epoch seconds; undefined for a record that never ends. */
  readonly expiresAt: number | undefined;
}

/** What a store holds at one moment: the records by kind and key. */
export type StoreSnapshot = ReadonlyMap<string, ReadonlyMap<string, unknown>>;

/**
 * The one store of all instances. Every method has its effect at one moment, synchronously; the repositories of each
 * instance ask the stage when.
 */
export class SharedStore {
  readonly #clock: () => number;
  #kinds = new Map<string, Map<string, unknown>>();

  /** @param clock - The store's own time, in milliseconds since the epoch. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** What the store holds now. */
  snapshot(): StoreSnapshot {
    return new Map([...this.#kinds].map(([kind, records]) => [kind, new Map(records)]));
  }

  /** Sets the store back to what it held then. */
  restore(snapshot: StoreSnapshot): void {
    this.#kinds = new Map([...snapshot].map(([kind, records]) => [kind, new Map(records)]));
  }

  /** Every record, whether or not it has expired. */
  records(): StoredRecord[] {
    return [...this.#kinds].flatMap(([kind, records]) =>
      [...records].map(([key, value]) => ({ kind, key, value, expiresAt: readExpiresAt(value) })),
    );
  }

  /** The repositories of one instance: each call is a step of the stage. */
  repositoriesOf(stage: StageDoor, instance: number): ProviderRepositories {
    return createRepositories(
      <V>(_schema: unknown, kind: string) => new StagedRepository<V>(this, stage, instance, kind),
    );
  }

  /** The record of a key, where there is one that has not expired. */
  read(kind: string, key: string): unknown {
    const value = this.#recordsOf(kind).get(key);
    return isExpired(readExpiresAt(value), this.#clock()) ? undefined : value;
  }

  write(kind: string, key: string, value: unknown): void {
    this.#recordsOf(kind).set(key, value);
  }

  /** Removes the record of a key. True where there was a live one. */
  remove(kind: string, key: string): boolean {
    const existed = this.read(kind, key) !== undefined;
    this.#recordsOf(kind).delete(key);
    return existed;
  }

  /** The keys of a kind that have a live record. */
  liveKeys(kind: string): string[] {
    return [...this.#recordsOf(kind).keys()].filter((key) => this.read(kind, key) !== undefined);
  }

  #recordsOf(kind: string): Map<string, unknown> {
    const known = this.#kinds.get(kind);
    if (known !== undefined) return known;
    const records = new Map<string, unknown>();
    this.#kinds.set(kind, records);
    return records;
  }
}

/** One kind of record, as one instance sees it. A further method of the contract is a line here. */
class StagedRepository<V> {
  readonly #store: SharedStore;
  readonly #stage: StageDoor;
  readonly #instance: number;
  readonly #kind: string;

  constructor(store: SharedStore, stage: StageDoor, instance: number, kind: string) {
    this.#store = store;
    this.#stage = stage;
    this.#instance = instance;
    this.#kind = kind;
  }

  get(key: string): Promise<V | undefined> {
    return this.#pass("get", key, () => this.#read(key), false);
  }

  set(key: string, value: V): Promise<void> {
    return this.#pass("set", key, () => this.#store.write(this.#kind, key, value), true);
  }

  add(key: string, value: V): Promise<boolean> {
    const effect = (): boolean => {
      if (this.#read(key) !== undefined) return false;
      this.#store.write(this.#kind, key, value);
      return true;
    };
    return this.#pass("add", key, effect, true);
  }

  delete(key: string): Promise<boolean> {
    return this.#pass("delete", key, () => this.#store.remove(this.#kind, key), true);
  }

  take(key: string): Promise<V | undefined> {
    const effect = (): V | undefined => {
      const value = this.#read(key);
      this.#store.remove(this.#kind, key);
      return value;
    };
    return this.#pass("take", key, effect, true);
  }

  async *entries(): AsyncGenerator<[string, V], void, undefined> {
    const list = (): [string, V][] =>
      this.#store.liveKeys(this.#kind).flatMap((key): [string, V][] => {
        const value = this.#read(key);
        return value === undefined ? [] : [[key, value]];
      });
    yield* await this.#pass("entries", undefined, list, false);
  }

  /** Only what this repository wrote under its kind is there, so the type of the records is theirs. */
  #read(key: string): V | undefined {
    return this.#store.read(this.#kind, key) as V | undefined;
  }

  #pass<R>(method: string, key: string | undefined, effect: () => R, changes: boolean): Promise<R> {
    return this.#stage.pass({
      kind: "store",
      instance: this.#instance,
      describe: () => `${method} ${this.#kind}${key === undefined ? "" : ` <${key}>`}`,
      effect,
      faults: {
        "failed before its effect": unavailable,
        ...(changes && { "answer lost after its effect": timedOut, "failed, and lands later": timedOut }),
      },
    });
  }
}

function unavailable(): never {
  throw new StorageUnavailableError("The explorer switched the store off.", { effect: "none" });
}

function timedOut(): never {
  throw new StorageTimeoutError("The explorer lost the store's answer.", { effect: "unknown" });
}
