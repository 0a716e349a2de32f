import type { IndexEntry } from "../record-indexes.ts";
import { whileOpening } from "./busy-pauses.ts";
import { columnOf, type SqliteLike, type SqliteStatementLike } from "./sqlite-like.ts";

/**
 * The columns of a table that records are found by, beside their key, and the statements that look there. The scheme says how
 * the labels of a row were made. A row without one was written before there were indexes.
 */
export class LabelSearch {
  /** The columns that a write fills, as they stand in SQL: the scheme, and one for each index. */
  readonly columns: readonly string[];
  readonly #pagesOfLabel: readonly SqliteStatementLike[];
  readonly #pageOfScheme: SqliteStatementLike;
  readonly #schemes: SqliteStatementLike;
  readonly #relabel: SqliteStatementLike;

  /** Adds the columns and indexes that the table lacks. */
  constructor(database: SqliteLike, table: string, indexes: readonly string[], pageLength: number) {
    const labelColumns = indexes.map((index) => `by_${index}`);
    this.columns = ["scheme", ...labelColumns];
    whileOpening(() => addMissing(database, table, this.columns));
    const pageWhere = (condition: string): SqliteStatementLike =>
      database.prepare(
        `SELECT key, value, expires_at FROM "${table}" WHERE ${condition} AND key > ? ORDER BY key LIMIT ${pageLength}`,
      );
    this.#pagesOfLabel = labelColumns.map((column) => pageWhere(`${column} = ?`));
    this.#pageOfScheme = pageWhere("scheme IS ?");
    // One step of the index for each scheme: DISTINCT would read an entry for each row.
    this.#schemes = database.prepare(`
      WITH RECURSIVE found (scheme) AS (
        SELECT min(scheme) FROM "${table}"
        UNION ALL
        SELECT (SELECT min(scheme) FROM "${table}" WHERE scheme > found.scheme) FROM found WHERE found.scheme IS NOT NULL
      )
      SELECT scheme FROM found WHERE scheme IS NOT NULL`);
    const assignments = this.columns.map((column) => `${column} = ?`).join(", ");
    this.#relabel = database.prepare(`UPDATE "${table}" SET ${assignments} WHERE key = ? AND value = ?`);
  }

  /** What a write puts into the columns. */
  valuesOf(entry: IndexEntry | undefined): (string | null)[] {
    return this.columns.map((_, index) => (index === 0 ? entry?.scheme : entry?.labels[index - 1]) ?? null);
  }

  pageOfLabel(position: number, label: string, after: string): readonly unknown[] {
    return this.#pagesOfLabel[position]?.all(label, after) ?? [];
  }

  pageOfScheme(scheme: string | null, after: string): readonly unknown[] {
    return this.#pageOfScheme.all(scheme, after);
  }

  schemes(): string[] {
    return this.#schemes.all().map((row) => String(columnOf(row, "scheme")));
  }

  relabel(key: string, value: string, entry: IndexEntry): void {
    this.#relabel.run(...this.valuesOf(entry), key, value);
  }
}

function addMissing(database: SqliteLike, table: string, columns: readonly string[]): void {
  // Nothing is written to a table that has everything, so no other process is in the way.
  if (lackingColumns(database, table, columns).length === 0 && hasIndexes(database, table, columns)) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    for (const column of lackingColumns(database, table, columns)) {
      database.exec(`ALTER TABLE "${table}" ADD COLUMN ${column} TEXT`);
    }
    for (const column of columns) {
      // Every row has its place by scheme, the rows without one too: those are the rows that a search has to read.
      const condition = column === "scheme" ? "" : `WHERE ${column} IS NOT NULL`;
      database.exec(`CREATE INDEX IF NOT EXISTS "${table}-${column}" ON "${table}" (${column}, key) ${condition}`);
    }
    database.exec("COMMIT");
  } catch (error) {
    try {
      database.exec("ROLLBACK");
    } catch {
      // SQLite has ended the transaction by itself.
    }
    throw error;
  }
}

function lackingColumns(database: SqliteLike, table: string, columns: readonly string[]): string[] {
  const rows = database.prepare("SELECT name FROM pragma_table_info(?)").all(table);
  const present = new Set(rows.map((row) => columnOf(row, "name")));
  return columns.filter((column) => !present.has(column));
}

function hasIndexes(database: SqliteLike, table: string, columns: readonly string[]): boolean {
  const rows = database.prepare("SELECT name FROM pragma_index_list(?)").all(table);
  const present = new Set(rows.map((row) => columnOf(row, "name")));
  return columns.every((column) => present.has(`${table}-${column}`));
}
