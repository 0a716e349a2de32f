import { StorageFullError } from "../errors.ts";
import { type OptionKinds, requireKind, requireOptions, requireThat } from "../option-checks.ts";
import { isSchemaOrCodec, type SchemaOrCodec } from "./codecs/as-codec.ts";
import type { RecordLocation } from "./codecs/codec.ts";
import {
  type ExpiryOptions,
  expiryOptionKinds,
  isExpired,
  type ReadExpiry,
  type ReadsExpiry,
  RecordExpiry,
} from "./expiry.ts";
import type { IndexedRepository, IndexOptions } from "./indexed.ts";
import { LabelMap } from "./label-map.ts";
import type { ReadsBack } from "./read-back.ts";
import type { ExpiringRecord, ExpiryArguments } from "./readable-expiry.ts";
import { frozenRecord, requireKey } from "./record-checks.ts";
import { type IndexEntry, RecordIndexes } from "./record-indexes.ts";
import { RecordText } from "./record-text.ts";
import { UnreadableRecords } from "./unreadable-records.ts";

/** How an `InMemoryRepository` keeps its records. */
export interface InMemoryRepositoryOptions<V> extends ExpiryOptions<V>, IndexOptions<V> {
  /**
   * How many records are kept at the most. A write that would be one more removes what has expired; where that is nothing,
   * it fails with a `StorageFullError`. No record makes way for another: it may be somebody's login. Default: no bound.
   */
  readonly max?: number;
}

const optionKinds: OptionKinds<InMemoryRepositoryOptions<never>> = {
  ...expiryOptionKinds,
  indexes: "object",
  max: "any",
};

/** A record as it is kept: itself, frozen, or as the text that the codec writes. */
type Kept<V> = ({ readonly record: V } | { readonly text: string }) & {
  /** In epoch seconds; undefined for a record that never expires. */
  readonly expiresAt: number | undefined;
  readonly indexEntry: IndexEntry | undefined;
};

/** A write looks at this many older records, so expired ones go at least as fast as new ones come. */
const sweptPerWrite = 2;

/**
 * A repository in this process's memory, for development and tests. Each instance has its own records; values are
 * copied and frozen on the way in, so nobody can change what is stored. With a schema or a codec it keeps what other
 * repositories would: the text is kept, and every read reads it anew.
 *
 * Expired records are never returned, and every write removes some of them, so they do not pile up; there is no timer.
 *
 * @example
 * ```ts
 * const repository = new InMemoryRepository<string, { name: string }>();
 * await repository.set("ada", { name: "Ada" });
 * await repository.get("ada"); // { name: "Ada" }
 *
 * const sessions = new InMemoryRepository(z.object({ user: z.string(), expiresAt: z.number() }), { max: 10_000 });
 * ```
 */
export class InMemoryRepository<K extends string, V>
  implements IndexedRepository<K, V>, ReadsBack<K, V>, ReadsExpiry<V>
{
  readonly #records = new Map<K, Kept<V>>();
  readonly #indexes: RecordIndexes<V>;
  readonly #labels = new LabelMap<K>();
  /** How the expiry of a record is read, where the option `expiresAt` says so. A cache in front goes by it too. */
  readonly readExpiry: ReadExpiry<V> | undefined;
  readonly #texts: RecordText<V> | undefined;
  readonly #expiry: RecordExpiry<V>;
  readonly #clock: () => number;
  readonly #max: number;
  #sweep: Iterator<[K, Kept<V>]> | undefined;
  /** Before this nothing that is kept expires, in epoch seconds. */
  #nextExpiry = Number.POSITIVE_INFINITY;

  /**
   * Keeps the values themselves, whatever they are.
   *
   * @throws {ConfigurationError} when an option is wrong. The message names the option.
   */
  constructor(options?: InMemoryRepositoryOptions<V>);
  /**
   * Keeps what a schema or a codec makes of the values.
   *
   * @throws {ConfigurationError} when an option is wrong, or the schema's `expiresAt` may be no number and no option says
   * how to read it. The message names the option.
   */
  constructor(schemaOrCodec: SchemaOrCodec<V>, ...options: ExpiryArguments<V, InMemoryRepositoryOptions<V>>);
  constructor(schemaOrCodec: SchemaOrCodec<V> & SchemaOrCodec<ExpiringRecord>, options?: InMemoryRepositoryOptions<V>);
  constructor(
    schemaOrOptions: SchemaOrCodec<V> | InMemoryRepositoryOptions<V> = {},
    optionsBesideSchema: InMemoryRepositoryOptions<V> = {},
  ) {
    const hasSchema = isSchemaOrCodec(schemaOrOptions);
    const options = hasSchema ? optionsBesideSchema : schemaOrOptions;
    requireKind(hasSchema ? "options" : "The first argument, a schema, a codec or the options,", options, "object");
    requireOptions("InMemoryRepository", options, optionKinds);
    const { clock = Date.now, expiresAt, max = Number.POSITIVE_INFINITY } = options;
    requireKind("clock", clock, "function");
    requireThat(
      max === Number.POSITIVE_INFINITY || (Number.isSafeInteger(max) && max > 0),
      "max must be a whole number above 0.",
    );
    this.#texts = hasSchema ? new RecordText(schemaOrOptions, options) : undefined;
    this.#indexes = this.#texts?.indexes ?? new RecordIndexes(options.indexes, {});
    this.#expiry = new RecordExpiry(expiresAt);
    this.readExpiry = expiresAt;
    this.#clock = clock;
    this.#max = max;
  }

  /**
   * Reads the record. Without a schema it is frozen.
   *
   * @throws {CorruptRecordError} when the codec does not read its text.
   * @throws {UnsealableError} when its text was sealed under a key that is missing.
   */
  async get(key: K): Promise<V | undefined> {
    return this.#read(key);
  }

  /**
   * Writes the record.
   *
   * @throws {InvalidRecordError} when the schema refuses it, it cannot be copied, or its expiry is no time.
   * @throws {StorageFullError} when there are `max` records and none has expired.
   */
  async set(key: K, value: V): Promise<void> {
    requireKey(key);
    this.#write(key, this.#keep(key, value));
  }

  async delete(key: K): Promise<boolean> {
    const existed = this.#isThere(key);
    this.#remove(key);
    return existed;
  }

  /**
   * Reads the record and deletes it. A record that cannot be read stays.
   *
   * @throws {CorruptRecordError} when the codec does not read its text.
   * @throws {UnsealableError} when its text was sealed under a key that is missing.
   */
  async take(key: K): Promise<V | undefined> {
    const value = this.#read(key);
    this.#remove(key);
    return value;
  }

  /**
   * Writes the record where the key has none.
   *
   * @throws {InvalidRecordError} when the schema refuses it, it cannot be copied, or its expiry is no time.
   * @throws {StorageFullError} when there are `max` records and none has expired.
   */
  async add(key: K, value: V): Promise<boolean> {
    requireKey(key);
    const kept = this.#keep(key, value);
    // Nothing is awaited between the look and the write: that makes them one step.
    if (this.#isThere(key)) return false;
    this.#write(key, kept);
    return true;
  }

  /** What `get` would give after `set`. */
  readBack(key: K, value: V): V {
    requireKey(key);
    if (this.#texts !== undefined) return this.#texts.readBack(value, locationOf(key));
    this.#expiry.ofNew(value);
    return value;
  }

  /** The number of records held, expired ones that have not been removed yet included. */
  get size(): number {
    return this.#records.size;
  }

  /**
   * Every record that has not expired.
   *
   * @throws {UnreadableRecordsError} after the last entry, when there are records that cannot be read: `keyIds` names the
   * keys that are missing from the key ring.
   */
  async *entries(): AsyncGenerator<[K, V], void, undefined> {
    const unreadable = new UnreadableRecords();
    for (const [key, kept] of [...this.#records]) {
      if (this.#isOver(kept)) continue;
      const value = unreadable.read(() => this.#valueOf(key, kept));
      if (value !== undefined) yield [key, value];
    }
    unreadable.throwIfAny();
  }

  get indexNames(): readonly string[] {
    return this.#indexes.names;
  }

  /**
   * Every record that has not expired and that the index has under this value.
   *
   * @throws {ConfigurationError} when there is no such index.
   * @throws {UnreadableRecordsError} after the last entry, when there are records of that value that cannot be read.
   */
  async *entriesBy(index: string, value: string): AsyncGenerator<[K, V], void, undefined> {
    const query = this.#indexes.queryFor(index, value, repositoryName);
    const unreadable = new UnreadableRecords();
    for (const key of this.#labels.find(query)) {
      const record = unreadable.read(() => this.#read(key));
      if (record !== undefined && this.#indexes.isMeant(record, query, value)) yield [key, record];
    }
    unreadable.throwIfAny();
  }

  #keep(key: K, value: V): Kept<V> {
    if (this.#texts !== undefined) return this.#texts.encode(value, locationOf(key));
    const expiresAt = this.#expiry.ofNew(value);
    const record = frozenRecord(value);
    this.#expiry.requireKept(expiresAt, record);
    return { record, expiresAt, indexEntry: this.#indexes.entryOf(record, repositoryName) };
  }

  #valueOf(key: K, kept: Kept<V>): V | undefined {
    return "record" in kept ? kept.record : this.#texts?.decode(kept.text, locationOf(key));
  }

  #isOver({ expiresAt }: Kept<V>): boolean {
    return isExpired(expiresAt, this.#clock());
  }

  /** What is kept under the key and has not expired. */
  #find(key: K): Kept<V> | undefined {
    requireKey(key);
    const kept = this.#records.get(key);
    if (kept === undefined || !this.#isOver(kept)) return kept;
    this.#remove(key);
    return undefined;
  }

  #read(key: K): V | undefined {
    const kept = this.#find(key);
    return kept && this.#valueOf(key, kept);
  }

  /** A record that cannot be read is there too. */
  #isThere(key: K): boolean {
    return this.#find(key) !== undefined;
  }

  #write(key: K, kept: Kept<V>): void {
    this.#sweepSome();
    if (this.#isOver(kept)) {
      this.#remove(key);
      return;
    }
    if (!this.#records.has(key)) this.#makeRoom();
    this.#labels.remove(key, this.#records.get(key)?.indexEntry);
    this.#nextExpiry = Math.min(this.#nextExpiry, kept.expiresAt ?? Number.POSITIVE_INFINITY);
    this.#records.set(key, kept);
    this.#labels.add(key, kept.indexEntry);
  }

  #remove(key: K): void {
    this.#labels.remove(key, this.#records.get(key)?.indexEntry);
    this.#records.delete(key);
  }

  #makeRoom(): void {
    if (this.#records.size < this.#max) return;
    if (isExpired(this.#nextExpiry, this.#clock())) this.#sweepAll();
    if (this.#records.size < this.#max) return;
    throw new StorageFullError(
      `There are ${this.#max} records in memory, as many as max allows, and none has expired.`,
    );
  }

  #sweepAll(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const [key, kept] of this.#records) {
      if (this.#isOver(kept)) this.#remove(key);
      else next = Math.min(next, kept.expiresAt ?? Number.POSITIVE_INFINITY);
    }
    this.#nextExpiry = next;
  }

  #sweepSome(): void {
    for (let looked = 0; looked < sweptPerWrite; looked += 1) {
      this.#sweep ??= this.#records.entries();
      const next = this.#sweep.next();
      if (next.done === true) {
        this.#sweep = undefined;
        return;
      }
      const [key, kept] = next.value;
      if (this.#isOver(kept)) this.#remove(key);
    }
  }
}

const repositoryName = "memory";

function locationOf(key: string): RecordLocation {
  return { repository: repositoryName, key };
}
