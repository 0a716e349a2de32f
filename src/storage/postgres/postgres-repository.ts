import { InvalidKeyError, InvalidRecordError } from "../../errors.ts";
import { type OptionKinds, requireOptions, requireThat } from "../../option-checks.ts";
import type { SchemaOrCodec } from "../codecs/as-codec.ts";
import type { RecordLocation } from "../codecs/codec.ts";
import type { Repository } from "../contract.ts";
import { type ExpiryOptions, expiryOptionKinds, isExpired, type ReadExpiry, type ReadsExpiry } from "../expiry.ts";
import { searchByIndex } from "../index-search.ts";
import type { IndexOptions } from "../indexed.ts";
import { KeySpace } from "../key-space.ts";
import type { ReadsBack } from "../read-back.ts";
import type { ExpiringRecord, ReadableExpiry } from "../readable-expiry.ts";
import { requireUtf8Text } from "../record-checks.ts";
import { type EncodedRecord, RecordText } from "../record-text.ts";
import { UnreadableRecords } from "../unreadable-records.ts";
import { ExpiredRows } from "./expired-rows.ts";
import { type PostgresLike, textIn } from "./postgres-like.ts";
import { type FoundRow, RowSearch } from "./row-search.ts";
import { postgresClosed, SharedPostgres, type Statement } from "./shared-postgres.ts";
import { defaultTable, quotedTable } from "./table.ts";

/** Settings of a {@link PostgresRepository}. */
export interface PostgresRepositoryOptions<V> extends ExpiryOptions<V>, IndexOptions<V> {
  /** The namespace of this repository's keys: 1 to 64 of `a-z`, `0-9`, `_` and `-`. Each repository of a table needs its own. */
  readonly prefix: string;
  /** The table of the records, with its schema and a dot before it or not. Default: `pangea_records`. */
  readonly table?: string;
  /** How long a call may take, the wait for a connection included, in milliseconds. Default: 2,000. */
  readonly timeout?: number;
  /**
   * Told when expired rows could not be removed. The write that began the removal was done. Default: a warning of the
   * process with the code `PANGEA_POSTGRES_EXPIRED_ROWS`.
   */
  readonly onRemovalFailure?: (error: unknown) => void;
}

/** All options of a `PostgresRepository`. */
export const postgresRepositoryOptionKinds: OptionKinds<PostgresRepositoryOptions<never>> = {
  ...expiryOptionKinds,
  indexes: "object",
  prefix: "any",
  table: "text",
  timeout: "any",
  onRemovalFailure: "function",
};

/** Rows of an index of Postgres have at most 2,704 bytes. */
const maxKeyBytes = 2_048;

/** How many rows that a search has found without labels one statement labels. */
const rowsLabelledTogether = 500;

/**
 * A repository in a table of Postgres 12 or later, over whatever has `query(text, values)`: a Pool of `pg` or of Neon, or
 * PGlite. `createPostgresTables()` creates the table.
 *
 * Each operation is one statement, but for `take`, which reads before it deletes what it has read: a record that cannot be
 * opened stays. The `get`s of one turn share a statement, also those of different kinds where `createPostgresRepositories`
 * built the repositories. A record past its expiry by `clock` is absent; expired rows are removed a few at a time as writes
 * come. What Postgres undid since another statement interfered is sent again, and so is a read whose connection was lost; no
 * other write is sent twice.
 *
 * Works behind a pooler that shares connections between transactions, such as PgBouncer: nothing lasts longer than a
 * statement. The repository does not close the client.
 *
 * @throws {ConfigurationError} when the prefix, the table or the timeout is wrong, or the client has no `query`.
 *
 * @example
 * ```ts
 * const pool = new Pool({ connectionString: process.env.DATABASE_URL, ...postgresOptions() });
 * await createPostgresTables(pool);
 * const accessTokens = new PostgresRepository(AccessTokenSchema, pool, { prefix: "access-token" });
 * ```
 */
export class PostgresRepository<V, K extends string = string>
  implements Repository<K, V>, ReadsBack<K, V>, ReadsExpiry<V>, AsyncDisposable
{
  /** How the expiry of a record is read, where the option `expiresAt` says so. A cache in front goes by it too. */
  readonly readExpiry: ReadExpiry<V> | undefined;
  readonly #records: RecordText<V>;
  readonly #shared: SharedPostgres;
  readonly #keys: KeySpace;
  readonly #table: string;
  readonly #clock: () => number;
  readonly #expired: ExpiredRows;
  readonly #search: RowSearch;
  #closing: Promise<void> | undefined;

  constructor(
    schemaOrCodec: SchemaOrCodec<V>,
    postgres: PostgresLike | SharedPostgres,
    options: ReadableExpiry<V, PostgresRepositoryOptions<V>>,
  );
  constructor(
    schemaOrCodec: SchemaOrCodec<V> & SchemaOrCodec<ExpiringRecord>,
    postgres: PostgresLike | SharedPostgres,
    options: PostgresRepositoryOptions<V>,
  );
  constructor(
    schemaOrCodec: SchemaOrCodec<V>,
    postgres: PostgresLike | SharedPostgres,
    options: PostgresRepositoryOptions<V>,
  ) {
    requireThat(options !== undefined, "PostgresRepository takes an object of options, with a prefix.");
    requireOptions("PostgresRepository", options, postgresRepositoryOptionKinds);
    this.#records = new RecordText(schemaOrCodec, options);
    this.readExpiry = options.expiresAt;
    this.#keys = new KeySpace(options.prefix);
    this.#table = quotedTable(options.table ?? defaultTable);
    this.#shared = postgres instanceof SharedPostgres ? postgres : new SharedPostgres(postgres, options.timeout);
    this.#shared.join();
    this.#clock = options.clock ?? Date.now;
    this.#search = new RowSearch({
      shared: this.#shared,
      table: this.#table,
      keys: this.#keys,
      now: () => this.#now(),
      beforePage: () => this.#assertOpen(),
    });
    this.#expired = new ExpiredRows(this.#shared, this.#table, this.#clock, options.onRemovalFailure);
  }

  async get(key: K): Promise<V | undefined> {
    this.#assertOpen();
    const storedKey = this.#storedKey(key);
    const text = await this.#shared.read(this.#table, storedKey);
    return text === undefined ? undefined : this.#decode(text, key);
  }

  async set(key: K, value: V): Promise<void> {
    const storedKey = this.#storedKey(key);
    const { text, expiresAt, indexEntry } = this.#encode(key, value);
    if (isExpired(expiresAt, this.#clock())) {
      await this.#write(`DELETE FROM ${this.#table} WHERE key = $1`, [storedKey]);
      return;
    }
    await this.#write(
      `INSERT INTO ${this.#table} (key, value, expires_at, labels) VALUES ($1, $2, $3::double precision, $4::text[])
      ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at, labels = excluded.labels`,
      [storedKey, text, expiresAt ?? null, this.#search.labelsOf(indexEntry)],
    );
  }

  /**
   * Writes the record where the key has none.
   *
   * @returns True for exactly one of any number of concurrent callers, false where there is a live record. A value that
   * has expired already would be absent at once: it is not written, and true says that there is no live record.
   * @throws {StorageFailure} when Postgres does not answer. With the effect `unknown` the record may have been added.
   */
  async add(key: K, value: V): Promise<boolean> {
    const storedKey = this.#storedKey(key);
    const { text, expiresAt, indexEntry } = this.#encode(key, value);
    if (isExpired(expiresAt, this.#clock())) return (await this.get(key)) === undefined;
    const rows = await this.#write(
      `INSERT INTO ${this.#table} AS held (key, value, expires_at, labels) VALUES ($1, $2, $3::double precision, $5::text[])
      ON CONFLICT (key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at, labels = excluded.labels
      WHERE held.expires_at <= $4::double precision
      RETURNING key`,
      [storedKey, text, expiresAt ?? null, this.#now(), this.#search.labelsOf(indexEntry)],
    );
    return rows.length === 1;
  }

  async delete(key: K): Promise<boolean> {
    const rows = await this.#write(
      `DELETE FROM ${this.#table} WHERE key = $1
      RETURNING CASE WHEN expires_at <= $2::double precision THEN 'expired' ELSE 'live' END AS state`,
      [this.#storedKey(key), this.#now()],
    );
    return textIn(rows[0], "state") === "live";
  }

  /**
   * Reads the record, then deletes it where it is still the one that was read. A record that cannot be opened stays.
   *
   * @throws {StorageFailure} when Postgres does not answer. With the effect `unknown` the record may be gone.
   */
  async take(key: K): Promise<V | undefined> {
    const storedKey = this.#storedKey(key);
    for (;;) {
      this.#assertOpen();
      const text = await this.#shared.read(this.#table, storedKey);
      if (text === undefined) return undefined;
      const value = this.#decode(text, key);
      if (value === undefined) return undefined;
      const rows = await this.#write(`DELETE FROM ${this.#table} WHERE key = $1 AND value = $2 RETURNING key`, [
        storedKey,
        text,
      ]);
      if (rows.length === 1) return value;
    }
  }

  /**
   * Every record that has not expired, in the order of the keys, a page of 500 at a time: what is written or deleted
   * meanwhile may be among them or not.
   *
   * @throws {UnreadableRecordsError} after the last entry, when there are records that cannot be read: `keyIds` names the
   * keys that are missing from the key ring.
   */
  async *entries(): AsyncGenerator<[string, V], void, undefined> {
    const unreadable = new UnreadableRecords();
    for await (const row of this.#search.all()) {
      const value = unreadable.read(() => this.#decode(row.text, row.key));
      if (value !== undefined) yield [row.key, value];
    }
    unreadable.throwIfAny();
  }

  get indexNames(): readonly string[] {
    return this.#records.indexes.names;
  }

  /**
   * Every record that has not expired and that the index has under this value, a page of 500 at a time. Rows that were written
   * before the repository had its indexes, or with keys that are not in the key ring, are all read: those that can be are
   * labelled on the way, so that the next search finds them by the index.
   *
   * @throws {ConfigurationError} when there is no such index.
   * @throws {UnreadableRecordsError} after the last entry, when there are records that cannot be read and that may be meant.
   */
  entriesBy(index: string, value: string): AsyncGenerator<[string, V], void, undefined> {
    const searched = {
      rows: this.#search,
      indexes: this.#records.indexes,
      name: this.#keys.prefix,
      labelledTogether: rowsLabelledTogether,
      read: ({ key, text }: FoundRow) => this.#decode(text, key),
    };
    return searchByIndex(searched, index, value);
  }

  /**
   * Refuses further calls and waits for those under way. The repositories that were built with this one go on. The client
   * stays open: whoever made it closes it.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#shared.leave();
    await this.#closing;
  }

  async #write(text: string, values: unknown[]): Promise<readonly unknown[]> {
    this.#assertOpen();
    const statement: Statement = { intent: "write", text, values };
    const rows = await this.#shared.run(statement);
    this.#expired.countWrite();
    return rows;
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw postgresClosed();
  }

  #storedKey(key: string): string {
    const storedKey = this.#keys.storedKey(key);
    if (storedKey.includes("\0")) throw new InvalidKeyError("The key holds U+0000, which Postgres has no room for.");
    if (Buffer.byteLength(storedKey) > maxKeyBytes) {
      throw new InvalidKeyError(`The key is longer than the ${maxKeyBytes} bytes that Postgres finds records by.`);
    }
    return storedKey;
  }

  /** What `get` would give after `set`. */
  readBack(key: K, value: V): V {
    return this.#records.readBack(value, this.#location(key));
  }

  #encode(key: string, value: V): EncodedRecord {
    const encoded = this.#records.encode(value, this.#location(key));
    requireUtf8Text(encoded.text);
    if (!encoded.text.includes("\0")) return encoded;
    throw new InvalidRecordError("The encoded record holds U+0000, which Postgres has no room for.");
  }

  #decode(text: string, key: string): V | undefined {
    return this.#records.decode(text, this.#location(key));
  }

  #location(key: string): RecordLocation {
    return { repository: this.#keys.prefix, key };
  }

  /** In epoch seconds. */
  #now(): number {
    return this.#clock() / 1_000;
  }
}
