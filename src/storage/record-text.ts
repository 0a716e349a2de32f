import { CorruptRecordError } from "../errors.ts";
import { requireKind } from "../option-checks.ts";
import { asCodec, type SchemaOrCodec } from "./codecs/as-codec.ts";
import type { Codec, RecordLocation } from "./codecs/codec.ts";
import { encodeAndReadBack, isReadingBack } from "./codecs/read-back.ts";
import { type ExpiryOptions, isExpired, RecordExpiry } from "./expiry.ts";
import type { IndexOptions } from "./indexed.ts";
import { requireReadableExpiry } from "./readable-expiry.ts";
import { invalidRecord } from "./record-errors.ts";
import { type IndexEntry, RecordIndexes } from "./record-indexes.ts";

/** A record as a store of texts keeps it. */
export interface EncodedRecord {
  readonly text: string;
  /** When the record that a read gives back expires, in epoch seconds; undefined for one that never expires. */
  readonly expiresAt: number | undefined;
  /** What the record is found by; undefined without indexes. */
  readonly indexEntry: IndexEntry | undefined;
}

/** The rounding of an expiry that a schema may do, in seconds. */
const rounding = 1;

/**
 * What every repository that keeps texts does with its records: it encodes and decodes them, and knows when they expire.
 * A backend of its own is right about expiry if it uses this.
 */
export class RecordText<V> {
  /** What records are found by beside their key. */
  readonly indexes: RecordIndexes<V>;
  readonly #codec: Codec<V>;
  readonly #expiry: RecordExpiry<V>;
  readonly #clock: () => number;

  /** @throws {ConfigurationError} when the schema's `expiresAt` may be no number and no option says how to read it. */
  constructor(schemaOrCodec: SchemaOrCodec<V>, options: ExpiryOptions<V> & IndexOptions<V> = {}) {
    requireKind("options", options, "object");
    const { clock = Date.now, expiresAt } = options;
    requireKind("clock", clock, "function");
    this.#codec = asCodec(schemaOrCodec);
    requireReadableExpiry(schemaOrCodec, expiresAt);
    this.#expiry = new RecordExpiry(expiresAt);
    this.#clock = clock;
    this.indexes = new RecordIndexes(options.indexes, this.#codec);
  }

  /**
   * The text of a record that is to be written.
   *
   * @throws {InvalidRecordError} when the codec refuses the record, its expiry is no time, or the codec loses its expiry.
   * @throws {RecordTooLargeError} when the text would be longer than what is read.
   */
  encode(value: V, location: RecordLocation): EncodedRecord {
    const given = this.#expiry.ofNew(value);
    // A codec of somebody else is asked twice only where it matters.
    if (given === undefined && !isReadingBack(this.#codec) && this.indexes.names.length === 0) {
      return { text: this.#codec.encode(value, location), expiresAt: undefined, indexEntry: undefined };
    }
    const { text, value: kept } = encodeAndReadBack(this.#codec, value, location);
    const expiresAt = this.#expiryOfKept(kept, given, location);
    return { text, expiresAt, indexEntry: this.indexes.entryOf(kept, location.repository) };
  }

  /**
   * The record of a stored text, or undefined where it has expired.
   *
   * @throws {CorruptRecordError} when the text is no record, or the record's expiry is no time.
   * @throws {UnsealableError} when the text was sealed under a key that is missing, or for another place.
   */
  decode(text: string, location: RecordLocation): V | undefined {
    const value = this.#codec.decode(text, location);
    const expiresAt = this.#expiry.ofStored(value, location);
    return expiresAt !== undefined && isExpired(expiresAt, this.#clock()) ? undefined : value;
  }

  /**
   * What a record that was read is found by, and when it expires, in epoch seconds.
   *
   * @throws {CorruptRecordError} when the record's expiry is no time.
   */
  indexed(value: V, location: RecordLocation): Pick<EncodedRecord, "expiresAt" | "indexEntry"> {
    return {
      expiresAt: this.#expiry.ofStored(value, location),
      indexEntry: this.indexes.entryOf(value, location.repository),
    };
  }

  /**
   * What a read would give back of a record that is to be written.
   *
   * @throws {InvalidRecordError} when the record cannot be written.
   */
  readBack(value: V, location: RecordLocation): V {
    const given = this.#expiry.ofNew(value);
    const { value: kept } = encodeAndReadBack(this.#codec, value, location);
    this.#expiryOfKept(kept, given, location);
    return kept;
  }

  #expiryOfKept(kept: V, given: number | undefined, location: RecordLocation): number | undefined {
    let expiresAt: number | undefined;
    try {
      expiresAt = this.#expiry.ofStored(kept, location);
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      throw invalidRecord(location, "its schema makes something else of its expiresAt, which is no number of seconds");
    }
    if (given === undefined) return expiresAt;
    if (expiresAt === undefined) {
      throw invalidRecord(location, "its schema drops its expiresAt, so the record would never expire");
    }
    if (Math.abs(expiresAt - given) > rounding) {
      throw invalidRecord(location, "its schema makes another time of its expiresAt");
    }
    return expiresAt;
  }
}
