import { ConfigurationError, CorruptRecordError } from "../../errors.ts";
import { type OptionKinds, requireOptions } from "../../option-checks.ts";
import { tokenKey } from "../../secrets/storage-key.ts";
import type { SchemaOrCodec } from "../codecs/as-codec.ts";
import type { RecordLocation } from "../codecs/codec.ts";
import type { Repository } from "../contract.ts";
import { type ExpiryOptions, expiryOptionKinds, type ReadExpiry, type ReadsExpiry, requireTime } from "../expiry.ts";
import type { Finding } from "../finding.ts";
import { searchByIndex } from "../index-search.ts";
import type { IndexOptions } from "../indexed.ts";
import type { ReadsBack } from "../read-back.ts";
import type { ExpiringRecord, ReadableExpiry } from "../readable-expiry.ts";
import { requireUtf8Key, requireUtf8Text } from "../record-checks.ts";
import { RecordText } from "../record-text.ts";
import { UnreadableRecords } from "../unreadable-records.ts";
import { ReadBatches } from "./read-batches.ts";
import { type IndexedRow, type KeyedRow, type RecordRow, RecordTable } from "./record-table.ts";
import { RowSearch } from "./row-search.ts";
import { SharedConnection } from "./shared-connection.ts";
import { repositoryClosed } from "./sqlite-failure.ts";
import type { SqliteLike } from "./sqlite-like.ts";

/** Settings of a {@link SqliteRepository}. */
export interface SqliteRepositoryOptions<V> extends ExpiryOptions<V>, IndexOptions<V> {
  /**
   * The table of the records: 1 to 64 of `a-z`, `0-9`, `_` and `-`, not beginning with `sqlite_`. Each repository needs its
   * own, and creates it.
   */
  readonly table: string;
  /**
   * How long a call may wait for other connections that have locked the database, in milliseconds. Default 5,000. A call
   * that waits longer fails with `StorageUnavailableError`, and nothing was changed.
   */
  readonly timeout?: number;
}

/** All options of a {@link SqliteRepository}. */
export const sqliteRepositoryOptionKinds: OptionKinds<SqliteRepositoryOptions<never>> = {
  ...expiryOptionKinds,
  indexes: "object",
  table: "any",
  timeout: "any",
};

const tableForm = /^(?!sqlite_)[a-z0-9_-]{1,64}$/;

/** How many rows that a search has found without labels one write labels: gone in a few milliseconds. */
const rowsLabelledTogether = 200;

/** How often a `take` finds a record that then is not there, before it looks whether the text is what SQLite holds. */
const takeAttempts = 100;

/**
 * A repository in a SQLite database, over `node:sqlite` (Node.js 22.13 and later) or better-sqlite3 12.
 *
 * The `get`s of one turn are one statement, and the writes of one turn one transaction; a call that comes alone is one
 * statement. Any number of processes on one machine may use the file: a record is taken by one of them, and added by one.
 * What has expired is absent, and is removed in small steps beside other writes.
 *
 * SQLite works in this thread: while a statement runs, or the disk takes a write, nothing else does. The waits for other
 * connections do not hold up the process, where the connection's `busy_timeout` is short. `openSqlite` opens one with all
 * settings; the repository changes none and does not close it.
 *
 * @throws {ConfigurationError} For a table outside its alphabet or of another form, an unknown option, a timeout that is not
 * positive, or a database that is none.
 * @throws {StorageError} When SQLite fails to create the table.
 *
 * @example
 * ```ts
 * const database = openSqlite("state.db");
 * const sessions = new SqliteRepository(SessionSchema, database, { table: "session" });
 * ```
 */
export class SqliteRepository<V, K extends string = string>
  implements Repository<K, V>, ReadsBack<K, V>, ReadsExpiry<V>, AsyncDisposable
{
  /** How the expiry of a record is read, where the option `expiresAt` says so. A cache in front goes by it too. */
  readonly readExpiry: ReadExpiry<V> | undefined;
  readonly #records: RecordText<V>;
  readonly #connection: SharedConnection;
  readonly #tableName: string;
  readonly #table: RecordTable;
  readonly #reads: ReadBatches;
  readonly #search: RowSearch;
  readonly #clock: () => number;
  readonly #decodeRow = (row: RecordRow | undefined, key: string): V | undefined => this.#decode(row, key);
  #isClosed = false;

  constructor(
    schemaOrCodec: SchemaOrCodec<V>,
    database: SqliteLike | SharedConnection,
    options: ReadableExpiry<V, SqliteRepositoryOptions<V>>,
  );
  constructor(
    schemaOrCodec: SchemaOrCodec<V> & SchemaOrCodec<ExpiringRecord>,
    database: SqliteLike | SharedConnection,
    options: SqliteRepositoryOptions<V>,
  );
  constructor(
    schemaOrCodec: SchemaOrCodec<V>,
    database: SqliteLike | SharedConnection,
    options: SqliteRepositoryOptions<V>,
  ) {
    requireOptions("SqliteRepository", options ?? null, sqliteRepositoryOptionKinds);
    const { table, clock = Date.now } = options;
    if (typeof table !== "string" || !tableForm.test(table)) {
      throw new ConfigurationError(
        "table must be 1 to 64 of the characters a-z, 0-9, _ and -, and not begin with sqlite_.",
      );
    }
    this.#records = new RecordText(schemaOrCodec, options);
    this.readExpiry = options.expiresAt;
    this.#connection =
      database instanceof SharedConnection ? database : new SharedConnection(database, options.timeout);
    this.#tableName = table;
    this.#table = new RecordTable(this.#connection.database, table, this.#records.indexes.names);
    this.#reads = new ReadBatches(this.#table, this.#connection.patience, () => this.#connection.beginReads());
    this.#search = new RowSearch(this.#connection, this.#table, () => this.#assertOpen());
    this.#clock = clock;
    this.#connection.join((limit) => this.#table.sweep(this.#clock(), limit));
  }

  async get(key: K): Promise<V | undefined> {
    this.#check(key);
    return this.#reads.get(key, this.#decodeRow);
  }

  async set(key: K, value: V): Promise<void> {
    this.#check(key);
    const row = this.#encode(key, value);
    // A record that has expired is absent at once: it only removes the one that it replaces.
    if (this.#isOver(row)) await this.#connection.write(() => this.#table.delete(key));
    else await this.#connection.write(() => this.#table.set(key, row));
  }

  async delete(key: K): Promise<boolean> {
    this.#check(key);
    return this.#connection.write(() => {
      const deleted = this.#table.delete(key);
      return deleted !== undefined && !this.#isOver(deleted);
    });
  }

  /**
   * Reads the record and deletes it where it is still the same. A record that cannot be read stays, so that a key that was
   * left out by mistake loses nothing.
   *
   * @throws {CorruptRecordError} When it is no valid record.
   * @throws {UnsealableError} When it is sealed under a key that is not in the key ring.
   * @throws {StorageFailure} When SQLite fails. With the effect `unknown` the record may be gone.
   */
  async take(key: K): Promise<V | undefined> {
    this.#check(key);
    return this.#connection.write(() => {
      for (let attempt = 0; attempt < takeAttempts; attempt++) {
        const row = this.#table.get(key);
        if (row === undefined) return undefined;
        const value = this.#decode(row, key);
        if (value === undefined || this.#table.deleteSame(key, row.value)) return value;
        // Another connection has taken or replaced the record between the two statements.
      }
      throw new CorruptRecordError(
        `The record with the key ${tokenKey(key)} in ${this.#tableName} is not UTF-8, so it cannot be taken; delete it.`,
      );
    });
  }

  /**
   * Writes the record where the key has none, or one that has expired.
   *
   * @returns True for exactly one of any number of concurrent callers, false where there is a live record. A value that has
   * expired already is not written: true then says that there is no live record.
   * @throws {StorageFailure} When SQLite fails. With the effect `unknown` the record may have been added.
   */
  async add(key: K, value: V): Promise<boolean> {
    this.#check(key);
    const row = this.#encode(key, value);
    if (this.#isOver(row)) return (await this.get(key)) === undefined;
    return this.#connection.write(() => this.#table.add(key, row, requireTime(this.#clock())));
  }

  /** What `get` would give back after `set`, without writing anything. */
  readBack(key: K, value: V): V {
    return this.#records.readBack(value, this.#location(key));
  }

  /**
   * Every record that has not expired, read page by page: what is written or deleted meanwhile may be among them or not.
   * Other work of this process has its turn between two pages.
   *
   * @throws {UnreadableRecordsError} after the last entry, when there are records that cannot be read.
   */
  async *entries(): AsyncGenerator<[string, V], void, undefined> {
    const unreadable = new UnreadableRecords();
    for await (const { key, ...row } of this.#search.all()) {
      const value = unreadable.read(() => this.#decode(row, key));
      if (value !== undefined) yield [key, value];
    }
    unreadable.throwIfAny();
  }

  get indexNames(): readonly string[] {
    return this.#records.indexes.names;
  }

  /**
   * Every record that has not expired and that the index has under this value, read page by page. Rows that were written before
   * the table had its indexes, or with keys that are not in the key ring, are all read: those that can be are labelled on the
   * way, so that the next search finds them by the index.
   *
   * @throws {ConfigurationError} when there is no such index.
   * @throws {UnreadableRecordsError} after the last entry, when there are records that cannot be read and that may be meant.
   */
  entriesBy(index: string, value: string): AsyncGenerator<[string, V], void, undefined> {
    const searched = {
      rows: this.#search,
      indexes: this.#records.indexes,
      name: this.#tableName,
      labelledTogether: rowsLabelledTogether,
      read: ({ key, ...row }: KeyedRow) => this.#decode(row, key),
    };
    return searchByIndex(searched, index, value);
  }

  /** Looks whether the file that is open is still the one at its path. */
  async diagnose(): Promise<Finding[]> {
    this.#assertOpen();
    return this.#connection.diagnose();
  }

  /** Refuses further calls and waits for those under way. The connection stays open: whoever opened it closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#connection.idle();
  }

  #check(key: string): void {
    this.#assertOpen();
    requireUtf8Key(key);
  }

  #assertOpen(): void {
    if (this.#isClosed) throw repositoryClosed();
  }

  #encode(key: string, value: V): IndexedRow {
    const { text, expiresAt, indexEntry } = this.#records.encode(value, this.#location(key));
    requireUtf8Text(text);
    return { value: text, expiresAt: expiresAt === undefined ? null : expiresAt * 1000, indexEntry };
  }

  /** The time of expiry in the row is what the statements go by; that in the record may be sealed, and counts as well. */
  #decode(row: RecordRow | undefined, key: string): V | undefined {
    if (row === undefined || this.#isOver(row)) return undefined;
    return this.#records.decode(row.value, this.#location(key));
  }

  #location(key: string): RecordLocation {
    return { repository: this.#tableName, key };
  }

  #isOver({ expiresAt }: Pick<RecordRow, "expiresAt">): boolean {
    return expiresAt !== null && expiresAt <= requireTime(this.#clock());
  }
}
