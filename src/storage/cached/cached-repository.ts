import { StorageClosedError, StorageFailure, StorageTimeoutError } from "../../errors.ts";
import { giveListings } from "../capabilities.ts";
import { type Repository, requireRepository } from "../contract.ts";
import { beforeDeadline } from "../deadline.ts";
import { type ReadExpiry, type ReadsExpiry, RecordExpiry, readExpiryOf, requireTime } from "../expiry.ts";
import { type FreshlyReadable, getFresh } from "../fresh-read.ts";
import { layersOf, noteLayer } from "../layers.ts";
import type { MemoryReadable, Remembered } from "../memory-read.ts";
import { canReadBack, type ReadsBack } from "../read-back.ts";
import { frozenRecord, requireKey } from "../record-checks.ts";
import { warnOfCacheOverCache } from "./cache-over-cache.ts";
import { Copies } from "./copies.ts";
import type { CopyKeeping } from "./copy-keeping.ts";
import type { InvalidationConnection, InvalidationSubscription } from "./invalidation.ts";
import { type Load, LoadsUnderWay } from "./loads-under-way.ts";
import { assertOptions, type CachedRepositoryOptions } from "./options.ts";
import { type RecordNames, recordNames } from "./record-names.ts";
import { WritesUnderWay } from "./writes-under-way.ts";

/** How long a read of the backend may take, in milliseconds. */
const loadTimeout = 10_000;

/** What is no error of this package counts as none, a proxy included that throws when it is asked: whoever waits is told. */
function isStorageFailure(error: unknown): boolean {
  try {
    return error instanceof StorageFailure;
  } catch {
    return false;
  }
}

/** A record that can be kept. */
interface Prepared<V> {
  /** Frozen. */
  readonly value: V;
  /** In milliseconds since the epoch; infinite for a record that never expires. */
  readonly expiry: number;
}

/** A record that is to be written, and what a read will give back of it. */
interface Written<V> {
  /** The record as the backend gets it. Frozen. */
  readonly given: V;
  /** What is kept of it; undefined where only a read of the backend tells what that gives back. */
  readonly kept: Prepared<V> | undefined;
}

/**
 * A write-through cache in front of any repository.
 *
 * - `get` answers from memory while its copy is younger than `maxStaleness` (milliseconds) and the record has not
 *   expired. Every caller gets the same frozen record. Callers who miss at the same time share one read of the backend.
 * - `set` writes to the backend first. A copy of what was written is kept only if nothing else touched the key
 *   meanwhile, and the backend can tell what its reads give back (`readBack`): one of your own that cannot is read again.
 * - `delete`, `take` and `add` always ask the backend; `take` and `add` are as atomic as the backend's.
 * - A write that fails leaves no copy behind, since nobody knows what the backend holds, and the failure is thrown.
 * - A read that a write or an invalidation overtakes leaves no copy behind.
 *
 * Without `invalidation`, a record that another instance deletes or changes is served here for `maxStaleness` at most:
 * with 30,000, a token that is revoked on one instance may be accepted on another for 30 seconds. A write that failed
 * with an unknown outcome and lands later counts as such a change. For a cache over a cache the two times add up; the process
 * says so once with a warning, which `--disable-warning=PANGEA_CACHE_OVER_CACHE` turns off.
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
export class CachedRepository<K extends string, V>
  implements
    Repository<K, V>,
    FreshlyReadable<K, V>,
    MemoryReadable<K, V>,
    Partial<ReadsBack<K, V>>,
    ReadsExpiry<V>,
    CopyKeeping
{
  /** What `get` would give after `set`; undefined where the backend cannot tell. */
  readonly readBack?: ReadsBack<K, V>["readBack"];
  /** How the expiry of a record is read: by the option `expiresAt`, or else as the backend does. */
  readonly readExpiry: ReadExpiry<V> | undefined;
  readonly #backend: Repository<K, V>;
  readonly #clock: () => number;
  readonly #expiry: RecordExpiry<V>;
  readonly #names: RecordNames;
  readonly #copies: Copies<V>;
  readonly #loads: LoadsUnderWay<V>;
  readonly #writes = new WritesUnderWay();
  /** In milliseconds; 0 where an old copy never stands in for the backend. */
  readonly #maxStandInAge: number;
  readonly #maxStalenessWhileUp: number;
  /** The bound that holds at the moment, in milliseconds; 0 while nothing is cached. */
  #maxStaleness: number;
  readonly #subscription: InvalidationSubscription | undefined;
  readonly #onPublishFailure: ((error: unknown) => void) | undefined;
  #closed = false;

  /**
   * @param backend - What the records are read from and written to. It stays open when the cache is closed.
   * @param options - `max` (entries) and `maxStaleness` (milliseconds) are required.
   * @throws {ConfigurationError} when the backend is no repository, an option is missing or out of range, or `invalidation`
   * is another repository's.
   */
  constructor(backend: Repository<K, V>, options: CachedRepositoryOptions<V>) {
    assertOptions(options);
    requireRepository("CachedRepository: the repository behind it", backend);
    options.invalidation?.requireRepository?.(backend);
    this.#backend = backend;
    if ([...layersOf(backend)].some((layer) => layer instanceof CachedRepository)) warnOfCacheOverCache();
    noteLayer(this, backend);
    giveListings(this, backend, () => this.#assertOpen());
    this.#clock = options.clock ?? Date.now;
    if (canReadBack(backend)) this.readBack = (key, value) => backend.readBack(key, value);
    this.readExpiry = options.expiresAt ?? readExpiryOf(backend);
    this.#expiry = new RecordExpiry(this.readExpiry);
    this.#names = recordNames(options.invalidation?.names);
    this.#copies = new Copies(options.max, this.#names, this.#clock);
    this.#maxStandInAge = options.staleIfError?.maxAge ?? 0;
    this.#loads = new LoadsUnderWay(this.#names);
    this.#onPublishFailure = options.onPublishFailure;
    this.#maxStalenessWhileUp = options.maxStaleness;
    this.#maxStaleness = options.invalidation === undefined ? options.maxStaleness : 0;
    this.#subscription = options.invalidation?.subscribe({
      onInvalidate: (names) => (names === "all" ? this.#forgetAll() : this.#forgetNamed(names)),
      onConnectionChange: (connection) => this.#changeConnection(connection),
    });
  }

  /**
   * Reads the record from memory or, where there is no fresh copy, from the backend. The record is frozen.
   *
   * @throws {StorageTimeoutError} when the backend has not answered within ten seconds; whatever the backend throws.
   */
  get(key: K): Promise<V | undefined> {
    const copy = this.#copies.get(key);
    return copy?.isFresh(this.#clock()) ? copy.answer : this.#getUncached(key);
  }

  /** What is in memory under the key, fresh or not: for a read without a promise. */
  remembered(key: K): Remembered<V> | undefined {
    return this.#copies.peek(key);
  }

  /**
   * How old the copy is from which a `get` would be answered now, in milliseconds; `undefined` where a `get` would ask the
   * backend. It does not count as a use of the copy.
   */
  copyAge(key: string): number | undefined {
    const copy = this.#copies.peek(key);
    const now = this.#clock();
    return copy?.isFresh(now) ? now - copy.asOf : undefined;
  }

  /**
   * Reads the record from the backend, whatever is in memory, and keeps it. An old copy never stands in. The record is
   * frozen.
   *
   * @throws {StorageTimeoutError} when the backend has not answered within ten seconds; whatever the backend throws.
   */
  async getFresh(key: K): Promise<V | undefined> {
    this.#assertUsable(key);
    const load = this.#loads.begin(key, this.#clock());
    this.#read(key, load, "never");
    return load.answer.promise;
  }

  /**
   * Writes the record to the backend, then to memory.
   *
   * @throws {InvalidRecordError} when the value cannot be shared, before anything is written; whatever the backend
   * throws.
   */
  async set(key: K, value: V): Promise<void> {
    this.#assertUsable(key);
    const asOf = this.#clock();
    const record = this.#prepare(key, value);
    await this.#write(
      key,
      () => this.#backend.set(key, record.given),
      (name) => this.#keepWritten(key, name, record, asOf),
    );
  }

  /** Deletes the record from memory and from the backend. */
  delete(key: K): Promise<boolean> {
    return this.#write(key, () => this.#backend.delete(key));
  }

  /** Takes the record from the backend, never from memory, where it is deleted too. */
  async take(key: K): Promise<V | undefined> {
    const value = await this.#write(key, () => this.#backend.take(key));
    return value === undefined || (await this.#isTakenOver(key, value)) ? undefined : value;
  }

  /**
   * Lets the backend write the record where it has none, and keeps a copy where it did. An `add` that is refused leaves
   * no copy, not even one from before: the record that the backend has instead may be newer than that.
   *
   * @throws {InvalidRecordError} when the value cannot be shared, before anything is written; whatever the backend
   * throws.
   */
  async add(key: K, value: V): Promise<boolean> {
    this.#assertUsable(key);
    const asOf = this.#clock();
    const record = this.#prepare(key, value);
    return this.#write(
      key,
      () => this.#backend.add(key, record.given),
      (name, added) => {
        if (added) this.#keepWritten(key, name, record, asOf);
      },
    );
  }

  /** Forgets every record and ends the part in the invalidation channel. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#forgetAll();
    await this.#subscription?.[Symbol.asyncDispose]();
  }

  /** Whether a record that was taken has expired. One whose expiry cannot be read goes back: it has to stay. */
  async #isTakenOver(key: K, value: V): Promise<boolean> {
    try {
      return this.#expiryOf(key, value) <= requireTime(this.#clock());
    } catch (failure) {
      await this.#write(key, () => this.#backend.add(key, value));
      throw failure;
    }
  }

  async #getUncached(key: K): Promise<V | undefined> {
    this.#assertUsable(key);
    const now = this.#clock();
    const running = this.#loads.get(key);
    // What a longer read answers may be as old as its start.
    if (running !== undefined && now - running.startedAt < this.#maxStalenessWhileUp) return running.answer.promise;
    const load = this.#loads.begin(key, now);
    this.#read(key, load);
    return load.answer.promise;
  }

  /** Never rejects: the outcome goes to those who wait for the load. */
  async #read(key: K, load: Load<V>, standsIn: "never" | "where allowed" = "where allowed"): Promise<void> {
    try {
      // What is behind this cache may be a cache too.
      const answer = standsIn === "never" ? getFresh(this.#backend, key) : this.#backend.get(key);
      const value = await beforeDeadline(loadTimeout, answer, () => {
        return new StorageTimeoutError(`The backend did not answer a read in ${loadTimeout} ms.`);
      });
      load.answer.resolve(value === undefined ? this.#acceptAbsence(load) : this.#acceptRecord(load, value));
    } catch (error) {
      if (standsIn === "never") load.answer.reject(error);
      else this.#standIn(load, error);
    } finally {
      this.#loads.end(load);
    }
  }

  #acceptRecord(load: Load<V>, value: V): V | undefined {
    const frozen = frozenRecord(value);
    const record = { value: frozen, expiry: this.#expiryOf(load.key, value) };
    if (record.expiry <= requireTime(this.#clock())) return this.#acceptAbsence(load);
    if (this.#mayKeep(load)) this.#keep(load.key, load.name, record, load.startedAt);
    return record.value;
  }

  #acceptAbsence(load: Load<V>): undefined {
    if (this.#mayKeep(load)) this.#copies.drop(load.key);
  }

  /** False where the backend may hold something newer than what was read. */
  #mayKeep(load: Load<V>): boolean {
    return this.#loads.has(load) && !this.#writes.has(load.key);
  }

  /** Ends a load that failed: with an old copy where `staleIfError` allows it, or else with the failure. */
  #standIn(load: Load<V>, error: unknown): void {
    const copy = isStorageFailure(error) ? this.#copies.peek(load.key) : undefined;
    const now = this.#clock();
    if (copy !== undefined && now < copy.servableUntil && now >= copy.asOf) load.answer.resolve(copy.value);
    else load.answer.reject(error);
  }

  /** Everything about a record that can go wrong, done before it is written or kept. */
  #prepare(key: K, value: V): Written<V> {
    const expiresAt = this.#expiry.ofNew(value);
    const given = frozenRecord(value);
    this.#expiry.requireKept(expiresAt, given);
    if (this.readBack === undefined) return { given, kept: undefined };
    const read = this.readBack(key, given);
    const answer = read === given ? given : frozenRecord(read);
    return { given, kept: { value: answer, expiry: this.#expiryOf(key, answer) } };
  }

  #expiryOf(key: string, value: V): number {
    const expiresAt = this.#expiry.ofStored(value, { repository: "the backend of a cache", key });
    return expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt * 1_000;
  }

  #keepWritten(key: string, name: string, { kept }: Written<V>, asOf: number): void {
    if (kept !== undefined) this.#keep(key, name, kept, asOf);
  }

  #keep(key: string, name: string, { value, expiry }: Prepared<V>, asOf: number): void {
    const freshUntil = Math.min(asOf + this.#maxStaleness, expiry);
    const servableUntil = Math.min(asOf + this.#maxStandInAge, expiry);
    this.#copies.put(key, { name, value, asOf, freshUntil, servableUntil });
  }

  /** Whatever its outcome, a write ends every copy made before it and during it. */
  async #write<R>(key: K, write: () => Promise<R>, keep?: (name: string, result: R) => void): Promise<R> {
    this.#assertUsable(key);
    const name = this.#names.hold(key);
    const token = this.#writes.begin(key);
    let written: { readonly result: R } | undefined;
    this.#forget(key);
    try {
      const result = await write();
      written = { result };
      return result;
    } finally {
      this.#forget(key);
      if (this.#writes.end(key, token) && written !== undefined) keep?.(name, written.result);
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
    this.#maxStaleness = connection === "up" ? this.#maxStalenessWhileUp : 0;
    if (this.#maxStandInAge === 0) this.#copies.clear();
    else this.#copies.expireAll();
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
    this.#loads.overtake(key);
  }

  #forgetAll(): void {
    this.#copies.clear();
    this.#disturbAll();
  }

  /** Nothing that is under way leaves a copy behind. */
  #disturbAll(): void {
    this.#loads.overtakeAll();
    this.#writes.disturbAll();
  }

  #assertUsable(key: unknown): void {
    this.#assertOpen();
    requireKey(key);
  }

  #assertOpen(): void {
    if (this.#closed) throw new StorageClosedError("The cached repository is closed.", { effect: "none" });
  }
}
