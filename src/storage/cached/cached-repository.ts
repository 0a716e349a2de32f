import {
  ConfigurationError,
  InvalidKeyError,
  InvalidRecordError,
  StorageClosedError,
  StorageFailure,
} from "../../errors.ts";
import type { Repository } from "../contract.ts";
import { isExpired, type ReadExpiry, readExpiresAt } from "../expiry.ts";
import { frozenCopy } from "../freeze.ts";
import { AbsentKeys } from "./absent-keys.ts";
import { Copies } from "./copies.ts";
import type { InvalidationConnection, InvalidationSubscription } from "./invalidation.ts";
import { type Load, LoadsUnderWay } from "./loads-under-way.ts";
import { assertOptions, type CachedRepositoryOptions } from "./options.ts";
import { type RecordNames, recordNames } from "./record-names.ts";
import { WritesUnderWay } from "./writes-under-way.ts";

const defaultLoadTimeout = 10_000;

/** A record that can be kept. */
interface Prepared<V> {
  /** Frozen. */
  readonly value: V;
  /** In epoch seconds. */
  readonly expiresAt: number | undefined;
  readonly bytes: number | undefined;
}

/**
 * A write-through cache in front of any repository.
 *
 * - `get` answers from memory while its copy is younger than `maxStaleness` (milliseconds) and the record has not
 *   expired. Every caller gets the same frozen record. Callers who miss at the same time share one read of the backend.
 * - `set` writes to the backend first. A copy of what was written is kept only if nothing else touched the key
 *   meanwhile.
 * - `delete` and `take` always ask the backend; `take` is as atomic as the backend's.
 * - A write that fails leaves no copy behind, since nobody knows what the backend holds, and the failure is thrown.
 * - A read that a write or an invalidation overtakes leaves no copy behind.
 *
 * Without `invalidation`, a record that another instance deletes or changes is served here for `maxStaleness` at most:
 * with 30,000, a token that is revoked on one instance may be accepted on another for 30 seconds. A write that failed
 * with an unknown outcome and lands later counts as such a change. For a cache over a cache the two times add up.
 *
 * Records may hold plain data, `URL`, `Date`, `Map` and `Set`.
 *
 * @example
 * ```ts
 * const tokens = new CachedRepository(new PangeaVaultRepository(AccessTokenSchema, vaultToken), {
 *   max: 10_000,
 *   maxStaleness: 30_000,
 * });
 * ```
 */
export class CachedRepository<K extends string, V> implements Repository<K, V> {
  readonly #backend: Repository<K, V> & Partial<AsyncDisposable>;
  readonly #ownsBackend: boolean;
  readonly #clock: () => number;
  readonly #expiresAt: ReadExpiry<V>;
  readonly #sizeOf: ((value: V, key: string) => number) | undefined;
  readonly #names: RecordNames;
  readonly #copies: Copies<V>;
  readonly #absent: AbsentKeys | undefined;
  readonly #loads: LoadsUnderWay<V>;
  readonly #writes = new WritesUnderWay();
  /** In milliseconds; 0 where an old copy never stands in for the backend. */
  readonly #maxStandInAge: number;
  readonly #maxAbsentStaleness: number;
  readonly #maxStalenessByConnection: Readonly<Record<InvalidationConnection, number>>;
  /** The bound that holds at the moment, in milliseconds; 0 while nothing is cached. */
  #maxStaleness: number;
  /** A load that has run for longer, in milliseconds, is not joined: what it answers may be as old as its start. */
  readonly #maxJoinAge: number;
  readonly #subscription: InvalidationSubscription | undefined;
  readonly #onPublishFailure: ((error: unknown) => void) | undefined;
  #closed = false;

  /**
   * @param backend - What the records are read from and written to.
   * @param options - The bounds (`max` entries, or `maxBytes`) and `maxStaleness` (milliseconds) are required.
   * @throws `ConfigurationError` for options that are missing or out of range.
   */
  constructor(backend: Repository<K, V> & Partial<AsyncDisposable>, options: CachedRepositoryOptions<V>) {
    assertOptions(options);
    this.#backend = backend;
    this.#ownsBackend = options.ownsBackend ?? false;
    this.#clock = options.clock ?? Date.now;
    this.#expiresAt = options.expiresAt ?? readExpiresAt;
    this.#sizeOf = options.maxBytes === undefined ? undefined : options.sizeOf;
    this.#names = recordNames(options.invalidation?.names);
    this.#copies = new Copies(options.max, options.maxBytes, this.#names);
    this.#absent = options.absent === undefined ? undefined : new AbsentKeys(options.absent.max, this.#names);
    this.#maxAbsentStaleness = options.absent?.maxStaleness ?? 0;
    this.#maxStandInAge = options.staleIfError?.maxAge ?? 0;
    this.#loads = new LoadsUnderWay(this.#names, options.loadTimeout ?? defaultLoadTimeout, (load, error) =>
      this.#standIn(load, error),
    );
    this.#onPublishFailure = options.onPublishFailure;
    this.#maxStalenessByConnection = {
      up: options.maxStaleness,
      down: Math.min(options.maxStaleness, options.maxStalenessWhileDown ?? 0),
    };
    this.#maxJoinAge = options.maxStaleness;
    this.#maxStaleness = this.#maxStalenessByConnection[options.invalidation === undefined ? "up" : "down"];
    this.#subscription = options.invalidation?.subscribe({
      onInvalidate: (names) => (names === "all" ? this.#forgetAll() : this.#forgetNamed(names)),
      onConnectionChange: (connection) => this.#changeConnection(connection),
    });
  }

  /**
   * Reads the record from memory or, where there is no fresh copy, from the backend. The record is frozen.
   *
   * @throws `StorageTimeoutError` where the backend has not answered within `loadTimeout`, and whatever it throws.
   */
  get(key: K): Promise<V | undefined> {
    const copy = this.#copies.get(key);
    if (copy !== undefined) {
      const now = this.#clock();
      if (now < copy.freshUntil && now >= copy.asOf) return copy.answer;
    }
    return this.#getUncached(key);
  }

  /**
   * Writes the record to the backend, then to memory.
   *
   * @throws `InvalidRecordError`, before anything is written, for a value that cannot be shared; whatever the backend
   * throws.
   */
  async set(key: K, value: V): Promise<void> {
    const asOf = this.#clock();
    const record = this.#prepare(key, value);
    await this.#write(
      key,
      () => this.#backend.set(key, record.value),
      (name) => this.#keep(key, name, record, asOf),
    );
  }

  /** Deletes the record from memory and from the backend. */
  delete(key: K): Promise<boolean> {
    return this.#write(key, () => this.#backend.delete(key));
  }

  /** Takes the record from the backend, never from memory, where it is deleted too. */
  async take(key: K): Promise<V | undefined> {
    const value = await this.#write(key, () => this.#backend.take(key));
    if (value === undefined || isExpired(this.#expiresAt(value), this.#clock())) return undefined;
    return value;
  }

  /** Forgets every record, ends the part in the invalidation channel and, with `ownsBackend`, closes the backend. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#forgetAll();
    await this.#subscription?.[Symbol.asyncDispose]();
    if (this.#ownsBackend) await this.#backend[Symbol.asyncDispose]?.();
  }

  async #getUncached(key: K): Promise<V | undefined> {
    this.#assertUsable(key);
    const now = this.#clock();
    if (this.#absent?.has(key, now)) return undefined;
    const running = this.#loads.get(key);
    if (running !== undefined && now - running.startedAt < this.#maxJoinAge) return running.answer;
    const load = this.#loads.begin(key, now);
    this.#read(key, load);
    return load.answer;
  }

  /** Never rejects: the outcome goes to those who wait for the load. */
  async #read(key: K, load: Load<V>): Promise<void> {
    try {
      const value = await this.#backend.get(key);
      load.resolve(value === undefined ? this.#acceptAbsence(load) : this.#acceptRecord(load, value));
    } catch (error) {
      this.#standIn(load, error);
    } finally {
      this.#loads.end(load);
    }
  }

  #acceptRecord(load: Load<V>, value: V): V | undefined {
    const record = this.#prepare(load.key, value);
    if (isExpired(record.expiresAt, this.#clock())) return this.#acceptAbsence(load);
    if (this.#mayKeep(load)) this.#keep(load.key, load.name, record, load.startedAt);
    return record.value;
  }

  #acceptAbsence(load: Load<V>): undefined {
    if (!this.#mayKeep(load)) return;
    this.#copies.drop(load.key);
    const { name, startedAt: asOf } = load;
    const freshUntil = asOf + Math.min(this.#maxStaleness, this.#maxAbsentStaleness);
    this.#absent?.add(load.key, { name, asOf, freshUntil });
  }

  /** False where the backend may hold something newer than what was read. */
  #mayKeep(load: Load<V>): boolean {
    return this.#loads.has(load) && !this.#writes.has(load.key);
  }

  /** Ends a load that failed: with an old copy where `staleIfError` allows it, or else with the failure. */
  #standIn(load: Load<V>, error: unknown): void {
    const copy = error instanceof StorageFailure ? this.#copies.peek(load.key) : undefined;
    const now = this.#clock();
    if (copy !== undefined && now < copy.servableUntil && now >= copy.asOf) load.resolve(copy.value);
    else load.reject(error);
  }

  /** Everything about a record that can go wrong, done before it is written or kept. */
  #prepare(key: string, value: V): Prepared<V> {
    if (value === undefined) throw new InvalidRecordError("undefined is not a record; use delete to remove one.");
    const frozen = frozenCopy(value);
    const bytes = this.#sizeOf?.(frozen, key);
    if (bytes !== undefined && !(Number.isSafeInteger(bytes) && bytes > 0)) {
      throw new ConfigurationError("sizeOf must return a whole number of bytes above 0.");
    }
    return { value: frozen, expiresAt: this.#expiresAt(frozen), bytes };
  }

  #keep(key: string, name: string, { value, expiresAt, bytes }: Prepared<V>, asOf: number): void {
    const expiry = expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt * 1_000;
    const freshUntil = Math.min(asOf + this.#maxStaleness, expiry);
    const servableUntil = Math.min(asOf + this.#maxStandInAge, expiry);
    if (Math.max(freshUntil, servableUntil) <= asOf) {
      // An older copy must not stand in later for what has just been read.
      this.#copies.drop(key);
      return;
    }
    const answer = Object.freeze(new Promise<V>((resolve) => resolve(value)));
    this.#copies.put(key, { name, value, answer, asOf, freshUntil, servableUntil, usedAt: 0 }, bytes);
  }

  /** Whatever its outcome, a write ends every copy made before it and during it. */
  async #write<R>(key: K, write: () => Promise<R>, keep?: (name: string) => void): Promise<R> {
    this.#assertUsable(key);
    const name = this.#names.hold(key);
    const token = this.#writes.begin(key);
    let written = false;
    this.#forget(key);
    try {
      const result = await write();
      written = true;
      return result;
    } finally {
      this.#forget(key);
      if (this.#writes.end(key, token) && written) keep?.(name);
      this.#names.release(name);
      await this.#publish(name);
    }
  }

  async #publish(name: string): Promise<void> {
    try {
      await this.#subscription?.publish(name);
    } catch (error) {
      try {
        this.#onPublishFailure?.(error);
      } catch (failure) {
        // The write's own outcome stands. As with a listener of an event, the failure is the process's to see.
        queueMicrotask(() => {
          throw failure;
        });
      }
    }
  }

  /** Messages may have been lost: no copy is known to be fresh any more. */
  #changeConnection(connection: InvalidationConnection): void {
    this.#maxStaleness = this.#maxStalenessByConnection[connection];
    if (this.#maxStandInAge === 0) this.#copies.clear();
    else this.#copies.expireAll();
    this.#absent?.clear();
    this.#disturbAll();
  }

  #forgetNamed(names: Iterable<string>): void {
    for (const name of names) {
      const key = this.#names.keyOf(name);
      if (key === undefined) continue;
      this.#forget(key);
      this.#writes.disturb(key);
    }
  }

  #forget(key: string): void {
    this.#copies.drop(key);
    this.#absent?.drop(key);
    this.#loads.overtake(key);
  }

  #forgetAll(): void {
    this.#copies.clear();
    this.#absent?.clear();
    this.#disturbAll();
  }

  /** Nothing that is under way leaves a copy behind. */
  #disturbAll(): void {
    this.#loads.overtakeAll();
    this.#writes.disturbAll();
  }

  #assertUsable(key: unknown): void {
    if (this.#closed) throw new StorageClosedError("The cached repository is closed.", { effect: "none" });
    if (typeof key !== "string") throw new InvalidKeyError("A key must be a string.");
  }
}
