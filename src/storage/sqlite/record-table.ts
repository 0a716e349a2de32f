import { ConfigurationError } from "../../errors.ts";
import type { IndexEntry } from "../record-indexes.ts";
import { whileOpening } from "./busy-pauses.ts";
import { LabelSearch } from "./label-search.ts";
import { resultCodeOf, sqliteFailure } from "./sqlite-failure.ts";
import { columnOf, type SqliteLike, type SqliteStatementLike } from "./sqlite-like.ts";

/** A row of a table of records. */
export interface RecordRow {
  /** The encoded record. */
  readonly value: string;
  /** In milliseconds since the epoch; null for a record that does not expire. */
  readonly expiresAt: number | null;
}

/** A row that is to be written, with what it is found by. */
export interface IndexedRow extends RecordRow {
  readonly indexEntry: IndexEntry | undefined;
}

/** A row with its key. */
export type KeyedRow = RecordRow & { readonly key: string };

/** Creates a table of records where the database has none of that name. */
export function createTable(database: SqliteLike, name: string): void {
  database.exec(`
    CREATE TABLE IF NOT EXISTS "${name}" (
      key TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL, expires_at REAL, scheme TEXT
    ) STRICT;
    CREATE INDEX IF NOT EXISTS "${name}-expiry" ON "${name}" (expires_at) WHERE expires_at IS NOT NULL;
  `);
}

/** How many rows a page of the list of all rows has. */
const pageLength = 200;

/**
 * One table of records and its prepared statements. The key has an index of its own, and so have the times of expiry, so
 * that no statement reads more rows than it answers with or changes.
 *
 * Statements that change rows and answer with them are run by `all`: `get` of either driver ends a statement at its first
 * row, and an error of the commit that follows goes unheard.
 */
export class RecordTable {
  readonly #get: SqliteStatementLike;
  readonly #getMany: SqliteStatementLike;
  readonly #set: SqliteStatementLike;
  readonly #add: SqliteStatementLike;
  readonly #delete: SqliteStatementLike;
  readonly #deleteSame: SqliteStatementLike;
  readonly #sweep: SqliteStatementLike;
  readonly #page: SqliteStatementLike;
  /** Undefined for a table without indexes. */
  readonly #search: LabelSearch | undefined;

  /**
   * Creates the table where the database has none of that name.
   *
   * @param name - Stands in SQL: of `a-z`, `0-9`, `_` and `-` only.
   * @param indexes - The names of the indexes, of `a-z`, `0-9` and `_` only.
   * @throws {ConfigurationError} when the database has another table of that name.
   * @throws {StorageError} when SQLite fails.
   */
  constructor(database: SqliteLike, name: string, indexes: readonly string[] = []) {
    const table = `"${name}"`;
    try {
      whileOpening(() => createTable(database, name));
      this.#search = indexes.length === 0 ? undefined : new LabelSearch(database, name, indexes, pageLength);
      const columns = ["value", "expires_at", ...(this.#search?.columns ?? [])];
      const write = `INSERT INTO ${table} (key, ${columns.join(", ")}) VALUES (?${", ?".repeat(columns.length)})
        ON CONFLICT (key) DO UPDATE SET ${columns.map((column) => `${column} = excluded.${column}`).join(", ")}`;
      this.#get = database.prepare(`SELECT value, expires_at FROM ${table} WHERE key = ?`);
      this.#getMany = database.prepare(
        `SELECT asked.key AS position, held.value, held.expires_at FROM json_each(?) AS asked CROSS JOIN ${table} AS held
         ON held.key = asked.value`,
      );
      this.#set = database.prepare(write);
      this.#add = database.prepare(`${write} WHERE expires_at <= ?`);
      this.#delete = database.prepare(`DELETE FROM ${table} WHERE key = ? RETURNING expires_at`);
      this.#deleteSame = database.prepare(`DELETE FROM ${table} WHERE key = ? AND value = ?`);
      this.#sweep = database.prepare(
        `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE expires_at <= ? LIMIT ?)`,
      );
      this.#page = database.prepare(
        `SELECT key, value, expires_at FROM ${table} WHERE key > ? ORDER BY key LIMIT ${pageLength}`,
      );
    } catch (error) {
      if (resultCodeOf(error) !== "OTHER") throw sqliteFailure(error, "open");
      throw new ConfigurationError(
        `The table ${name} cannot be used: SQLite is older than 3.37, or the database has another table of that name.`,
        { cause: error },
      );
    }
  }

  get(key: string): RecordRow | undefined {
    return toRow(this.#get.get(key));
  }

  /** The rows of several keys, in the order of the keys, by one statement. */
  getMany(keys: readonly string[]): (RecordRow | undefined)[] {
    const found = new Array<RecordRow | undefined>(keys.length);
    for (const row of this.#getMany.all(JSON.stringify(keys))) found[Number(columnOf(row, "position"))] = toRow(row);
    return found;
  }

  set(key: string, row: IndexedRow): void {
    this.#set.run(key, ...this.#valuesOf(row));
  }

  /** Writes the row where there is none, or one that has expired by now. True where it did. */
  add(key: string, row: IndexedRow, now: number): boolean {
    return Number(this.#add.run(key, ...this.#valuesOf(row), now).changes) > 0;
  }

  /** Deletes the row, and answers when it would have expired. `undefined` where there was none. */
  delete(key: string): Pick<RecordRow, "expiresAt"> | undefined {
    const [row] = this.#delete.all(key);
    return row === undefined ? undefined : { expiresAt: expiryOf(row) };
  }

  /** Deletes the row where it still has this text. True where it did. */
  deleteSame(key: string, value: string): boolean {
    return Number(this.#deleteSame.run(key, value).changes) > 0;
  }

  /** Removes rows that have expired by now, so many at the most, and answers how many it removed. */
  sweep(now: number, limit: number): number {
    return Number(this.#sweep.run(now, limit).changes);
  }

  /** The rows that follow on a key, in the order of the keys. The empty key begins; no row ends. */
  page(after: string): KeyedRow[] {
    return keyedRows(this.#page.all(after));
  }

  /** The rows with a label in an index that follow on a key, in the order of the keys. */
  pageOfLabel(position: number, label: string, after: string): KeyedRow[] {
    return keyedRows(this.#search?.pageOfLabel(position, label, after) ?? []);
  }

  /** The rows with a scheme, null for those without one, that follow on a key, in the order of the keys. */
  pageOfScheme(scheme: string | null, after: string): KeyedRow[] {
    return keyedRows(this.#search?.pageOfScheme(scheme, after) ?? []);
  }

  /** The schemes of all rows that have one. */
  schemes(): string[] {
    return this.#search?.schemes() ?? [];
  }

  /** Gives the row another scheme and other labels where it still has this text. */
  relabel(key: string, value: string, entry: IndexEntry): void {
    this.#search?.relabel(key, value, entry);
  }

  #valuesOf({ value, expiresAt, indexEntry }: IndexedRow): (string | number | null)[] {
    return [value, expiresAt, ...(this.#search?.valuesOf(indexEntry) ?? [])];
  }
}

function keyedRows(rows: readonly unknown[]): KeyedRow[] {
  return rows.flatMap((row) => {
    const held = toRow(row);
    return held === undefined ? [] : [{ key: String(columnOf(row, "key")), ...held }];
  });
}

function toRow(row: unknown): RecordRow | undefined {
  const value = columnOf(row, "value");
  // The table is a strict one: what is no text is no row.
  return typeof value === "string" ? { value, expiresAt: expiryOf(row) } : undefined;
}

function expiryOf(row: unknown): number | null {
  const expiresAt = columnOf(row, "expires_at");
  return typeof expiresAt === "number" ? expiresAt : null;
}
