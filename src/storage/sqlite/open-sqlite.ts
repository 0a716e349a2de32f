import { accessSync, chmodSync, closeSync, constants, openSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { StorageError, StorageRejectedError } from "../../errors.ts";
import { type OptionKinds, requireExactText, requireOptions, requireThat } from "../../option-checks.ts";
import { whileOpening } from "./busy-pauses.ts";
import { DatabaseFile, noteFile } from "./database-file.ts";
import { findDriver, type SqliteDriver } from "./sqlite-driver.ts";
import { driverNotBuilt, pathFailure, sqliteFailure } from "./sqlite-failure.ts";
import { columnOf, type SqliteLike } from "./sqlite-like.ts";

/** How a database file is opened. */
export interface OpenSqliteOptions {
  /** The driver to use. Default: `node:sqlite` where this Node.js has it, else better-sqlite3. */
  readonly driver?: SqliteDriver;
}

/** All options of how a database file is opened. */
export const openSqliteOptionKinds: OptionKinds<OpenSqliteOptions> = { driver: "any" };

/**
 * How long a statement may wait for another connection while the process stands still, in milliseconds: about as long as
 * another process takes to write. Longer waits are pauses of the repository, in which the process goes on.
 */
const servingTimeout = 5;

/**
 * Opens a SQLite database file with the settings that a repository should have: readable by this user only (mode 0600, the
 * files beside it too), WAL, `synchronous=FULL`, so that a write that was answered survives a loss of power, and a short
 * `busy_timeout`. Creates the file where there is none, but not its directory.
 *
 * @param path - Of the file, as text or a `file:` URL; `:memory:` for a database that ends with the connection.
 * @throws {ConfigurationError} when an option is wrong, or there is no driver: the message says what to install.
 * @throws {StorageError} when the file cannot be used; the message says what to do.
 *
 * @example
 * ```ts
 * const database = openSqlite("state.db");
 * const sessions = new SqliteRepository(SessionSchema, database, { table: "session" });
 * database.close();
 * ```
 */
export function openSqlite(path: string | URL, options: OpenSqliteOptions = {}): SqliteLike {
  const file = fileOf(path);
  requireOptions("openSqlite", options ?? null, openSqliteOptionKinds);
  const connect = findDriver(options.driver);
  if (file !== ":memory:") keepPrivate(file);
  let database: SqliteLike | undefined;
  try {
    const opened = connect(file);
    database = opened;
    prepareConnection(opened, file);
    if (file !== ":memory:") noteFile(opened, new DatabaseFile(file));
    return opened;
  } catch (error) {
    database?.close();
    throw error instanceof StorageError ? error : (driverNotBuilt(error) ?? sqliteFailure(error, "open"));
  }
}

/**
 * A path whose text is not as it is meant can be given as a URL all the same.
 *
 * @throws {ConfigurationError} when it is an address of something else than a file, or not as it is meant.
 */
function fileOf(path: string | URL): string {
  const remedy = 'give the path of a file, such as "state.db", or a URL object of the scheme file';
  if (path instanceof URL) {
    requireThat(path.protocol === "file:", `path is a URL of the scheme ${path.protocol.slice(0, -1)}: ${remedy}.`);
    return fileURLToPath(path);
  }
  const text = requireExactText("path", path);
  const isMissing = text.split(/[\\/]/).some((part) => /^undefined(?:\.\w+)?$/.test(part));
  requireThat(
    !isMissing,
    `path has the text of a value that is missing in it: is the environment variable set that it comes from?`,
  );
  const [, scheme] = /^([a-z][a-z0-9+.-]+):(?!\\)/i.exec(text) ?? [];
  requireThat(scheme === undefined, `path begins with ${scheme}:, which would be part of a file's name: ${remedy}.`);
  return text;
}

function prepareConnection(database: SqliteLike, file: string): void {
  database.exec(`PRAGMA busy_timeout = ${servingTimeout}`);
  const [row] = whileOpening(() => database.prepare("PRAGMA journal_mode = WAL").all());
  const mode = columnOf(row, "journal_mode");
  if (mode !== "wal" && file !== ":memory:") {
    throw new StorageRejectedError(
      `${file} cannot have a write-ahead log, which several processes need: put it on a disk of this machine, not on a network share.`,
      { effect: "none" },
    );
  }
  database.exec("PRAGMA synchronous = FULL");
}

/**
 * Creates the file for this user only, and takes the rights of others to it away. SQLite gives the files beside it the
 * rights of this one. A file that is there is not opened: closing it would end this process's locks on it, those of another
 * connection included.
 */
function keepPrivate(file: string): void {
  try {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) closeSync(openSync(file, "ax", 0o600));
    else requireFile(found, file);
    accessSync(file, constants.R_OK | constants.W_OK);
    // The files beside it come and go.
    accessSync(dirname(file), constants.W_OK | constants.X_OK);
    for (const each of [file, `${file}-wal`, `${file}-shm`]) withdrawRights(each);
  } catch (error) {
    // Another process was faster to create the file.
    if (error instanceof Error && "code" in error && error.code === "EEXIST") keepPrivate(file);
    else throw error instanceof StorageError ? error : pathFailure(error, file);
  }
}

function requireFile(found: Stats, file: string): void {
  if (found.isFile()) return;
  const what = found.isDirectory() ? "a directory" : "no regular file";
  throw new StorageRejectedError(`${file} is ${what}; give the path of a file.`, { effect: "none" });
}

function withdrawRights(file: string): void {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found !== undefined && (found.mode & 0o077) !== 0) chmodSync(file, 0o600);
}
