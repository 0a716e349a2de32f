import { StorageRejectedError } from "../../errors.ts";
import { whileOpening } from "./busy-pauses.ts";
import { createTable } from "./record-table.ts";
import { columnOf, type SqliteLike } from "./sqlite-like.ts";

/** Brings every table of records from one version to the next. Runs in a transaction. */
export type Migration = (database: SqliteLike, tables: readonly string[]) => void;

/**
 * What leads from each version of the schema to the next: the first entry from version 1 to version 2. A file of version 0
 * is an empty one.
 */
export const migrations: readonly Migration[] = [
  // Records are found by an index: each row says how its labels were made. Those that are there have none yet.
  (database, tables) => {
    for (const table of tables) {
      const columns = database.prepare("SELECT name FROM pragma_table_info(?)").all(table);
      const hasScheme = columns.some((row) => columnOf(row, "name") === "scheme");
      if (!hasScheme) database.exec(`ALTER TABLE "${table}" ADD COLUMN scheme TEXT`);
    }
  },
];

/** Says that a file is this package's, so that its `user_version` is the version of its schema: "PMCP" as a number. */
const applicationId = 0x504d4350;

/**
 * Makes sure that the database is this package's own, brings its tables to the newest version and creates those that it
 * lacks, all in one transaction. An empty database becomes this package's own.
 *
 * @param names - Of the tables that the database is to have.
 * @throws {StorageRejectedError} when the file belongs to another program, or a newer version of this package wrote it.
 */
export function claimDatabase(
  database: SqliteLike,
  names: readonly string[],
  steps: readonly Migration[] = migrations,
): void {
  const newest = 1 + steps.length;
  const isUpToDate = (): boolean => {
    const tables = tablesOf(database);
    return versionOf(database, newest) === newest && names.every((name) => tables.includes(name));
  };
  // Nothing is written to a file that is up to date, so no other process is in the way.
  if (whileOpening(isUpToDate)) return;
  whileOpening(() => database.exec("BEGIN IMMEDIATE"));
  try {
    // Another process may have been faster.
    const version = versionOf(database, newest);
    const tables = tablesOf(database);
    if (version > 0) for (const step of steps.slice(version - 1)) step(database, tables);
    for (const name of names) createTable(database, name);
    database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${newest}; COMMIT`);
  } catch (error) {
    rollBack(database);
    throw error;
  }
}

function rollBack(database: SqliteLike): void {
  try {
    database.exec("ROLLBACK");
  } catch {
    // SQLite has ended the transaction by itself, as it does where the disk is full.
  }
}

/** The version of the file's schema; 0 for an empty file. */
function versionOf(database: SqliteLike, newest: number): number {
  if (pragma(database, "application_id") !== applicationId) {
    if (pragma(database, "user_version") === 0 && tablesOf(database).length === 0) return 0;
    throw new StorageRejectedError(
      "The SQLite file is another program's; give the records a file of their own, or build each SqliteRepository on it.",
      { effect: "none" },
    );
  }
  const version = Number(pragma(database, "user_version"));
  if (version > newest) {
    throw new StorageRejectedError(
      `The file has version ${version} of the schema and this package knows ${newest}: update the package.`,
      { effect: "none" },
    );
  }
  return version;
}

function tablesOf(database: SqliteLike): string[] {
  const rows = database
    .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite~_%' ESCAPE '~'")
    .all();
  return rows.map((row) => String(columnOf(row, "name")));
}

function pragma(database: SqliteLike, name: "application_id" | "user_version"): unknown {
  return columnOf(database.prepare(`PRAGMA ${name}`).get(), name);
}
