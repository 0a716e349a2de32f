/** What a statement is given for its parameters. */
export type SqliteValue = string | number | null;

/** A prepared statement, as far as the repository uses it. */
export interface SqliteStatementLike {
  /** The first row, as an object with a property a column; `undefined` or `null` where there is none. */
  get(...values: SqliteValue[]): unknown;
  /** Every row. The statement has run to its end when this answers. */
  all(...values: SqliteValue[]): unknown[];
  run(...values: SqliteValue[]): { readonly changes: number | bigint };
}

/**
 * What the repository needs of a connection to a SQLite database. A `DatabaseSync` of `node:sqlite` and a `Database` of
 * better-sqlite3 12 each fit; no type of theirs is part of it.
 */
export interface SqliteLike {
  prepare(sql: string): SqliteStatementLike;
  exec(sql: string): unknown;
  close(): unknown;
}

/** Reads a column of a row. */
export function columnOf(row: unknown, name: string): unknown {
  return typeof row === "object" && row !== null ? Reflect.get(row, name) : undefined;
}
