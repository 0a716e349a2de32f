import {
  ConfigurationError,
  type PangeaAuthnError,
  RecordTooLargeError,
  StorageClosedError,
  type StorageError,
  StorageRejectedError,
  StorageUnauthorizedError,
  StorageUnavailableError,
  type WriteEffect,
} from "../../errors.ts";

/** What was asked of SQLite. Only a write can leave something behind. */
export type SqliteOperation = "open" | "read" | "write";

type FailureClass = new (message: string, options: { effect: WriteEffect; cause: unknown }) => StorageError;

type Meaning = readonly [failure: FailureClass, message: string];

/** SQLite's primary result codes by number: `node:sqlite` gives numbers, better-sqlite3 gives names. */
const codeNames: ReadonlyMap<number, string> = new Map([
  [3, "PERM"],
  [5, "BUSY"],
  [6, "LOCKED"],
  [7, "NOMEM"],
  [8, "READONLY"],
  [10, "IOERR"],
  [11, "CORRUPT"],
  [13, "FULL"],
  [14, "CANTOPEN"],
  [15, "PROTOCOL"],
  [18, "TOOBIG"],
  [23, "AUTH"],
  [26, "NOTADB"],
]);

const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ["PERM", [StorageUnauthorizedError, "This process may not open the database; give its user the rights to the file."]],
  ["BUSY", [StorageUnavailableError, "The database stayed locked by another connection; end its transaction."]],
  ["LOCKED", [StorageUnavailableError, "The database stayed locked by another connection; end its transaction."]],
  ["PROTOCOL", [StorageUnavailableError, "The database stayed locked by another connection; end its transaction."]],
  ["NOMEM", [StorageUnavailableError, "SQLite found no memory; give the process more."]],
  [
    "READONLY",
    [
      StorageUnauthorizedError,
      "The database takes no writes: give this user the right to write to the file, to those beside it that end in -wal and -shm, and to their directory.",
    ],
  ],
  ["IOERR", [StorageUnavailableError, "The disk failed; look at the system's log. The write may have been done."]],
  ["CORRUPT", [StorageRejectedError, "The database file is damaged; put back a backup, or try sqlite3's .recover."]],
  ["FULL", [StorageUnavailableError, "The disk or the database is full; make room. Nothing was written."]],
  [
    "CANTOPEN",
    [
      StorageUnavailableError,
      "The database file cannot be opened; look whether its directory is there and this user may write to it.",
    ],
  ],
  ["AUTH", [StorageUnauthorizedError, "The connection's authorizer refused the statement."]],
  ["NOTADB", [StorageRejectedError, "The file is no SQLite database, or is encrypted; give the path of another file."]],
]);

/**
 * The name of the primary result code in a driver's error, without `SQLITE_`: `BUSY` for a busy snapshot too.
 *
 * @returns `undefined` for what is no error of SQLite's, and `OTHER` for a code that nothing here depends on.
 */
export function resultCodeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ("errcode" in error && typeof error.errcode === "number") return codeNames.get(error.errcode & 0xff) ?? "OTHER";
  if (!("code" in error) || typeof error.code !== "string") return undefined;
  const name = /^SQLITE_([A-Z]+)/.exec(error.code)?.[1];
  return name === undefined || meanings.has(name) || name === "TOOBIG" ? name : "OTHER";
}

/** True where another connection is in the way, and the same statement may go through in a moment. */
export function isBusy(error: unknown): boolean {
  const code = resultCodeOf(error);
  return code === "BUSY" || code === "LOCKED" || code === "PROTOCOL";
}

/**
 * Says what a driver's error means. SQLite undoes a statement that fails, so nothing was changed; only a disk that failed
 * may hold the end of a transaction that was reported as failed.
 */
export function sqliteFailure(error: unknown, operation: SqliteOperation): PangeaAuthnError {
  const code = resultCodeOf(error);
  if (code === undefined && isClosed(error)) {
    return new StorageClosedError("The connection to the database was closed; open a new one.", { effect: "none" });
  }
  if (code === "TOOBIG") return new RecordTooLargeError("The record is larger than SQLite takes.", { cause: error });
  const effect = operation === "write" && (code === undefined || code === "IOERR") ? "unknown" : "none";
  const [Failure, message] = meanings.get(code ?? "") ?? [
    StorageRejectedError,
    "SQLite refused the statement; the cause says why.",
  ];
  return new Failure(message, { effect, cause: error });
}

/** The error of a call that was not carried out, since its repository was closed. */
export function repositoryClosed(): StorageClosedError {
  return new StorageClosedError("The repository was closed; create a new one.", { effect: "none" });
}

/** Says what is wrong with the path of a database file, of the error that the file system gave. */
export function pathFailure(error: unknown, path: string): PangeaAuthnError {
  const options = { effect: "none", cause: error } as const;
  switch (error instanceof Error && "code" in error ? error.code : undefined) {
    case "ENOENT":
    case "ENOTDIR":
      return new StorageUnavailableError(`The directory of ${path} is not there; create it, or mount it.`, options);
    case "EACCES":
    case "EPERM":
      return new StorageUnauthorizedError(
        `This user may not read and write ${path}; give it the rights to the file and its directory.`,
        options,
      );
    case "EROFS":
      return new StorageUnauthorizedError(`${path} is on a read-only file system; mount it for writing.`, options);
    case "ENOSPC":
    case "EDQUOT":
      return new StorageUnavailableError(`The disk of ${path} is full; make room.`, options);
    default:
      return new StorageUnavailableError(`${path} cannot be opened; the cause says why.`, options);
  }
}

const newerNode = "use Node.js 22.13 or later, which has node:sqlite";
const withoutDriver = {
  any: `There is no SQLite driver: ${newerNode}, or npm install better-sqlite3@12.`,
  "better-sqlite3": "The driver better-sqlite3 is not installed: npm install better-sqlite3@12, or leave driver out.",
  "node:sqlite": `This Node.js has no node:sqlite: ${newerNode}, or npm install better-sqlite3@12 and leave driver out.`,
};

/**
 * The error for a machine on which no driver is to be had.
 *
 * @param wanted - The only driver that was asked for.
 */
export function noDriver(wanted: keyof typeof withoutDriver, cause?: unknown): ConfigurationError {
  return new ConfigurationError(withoutDriver[wanted], cause === undefined ? {} : { cause });
}

/**
 * The error for a better-sqlite3 whose compiled part is missing, or was compiled for another Node.js. It is looked for only
 * when a file is opened.
 *
 * @returns `undefined` for any other error.
 */
export function driverNotBuilt(error: unknown): ConfigurationError | undefined {
  if (!(error instanceof Error)) return undefined;
  const isMissing = error.message.startsWith("Could not locate the bindings file");
  const isOfAnother = "code" in error && error.code === "ERR_DLOPEN_FAILED";
  if (!isMissing && !isOfAnother) return undefined;
  return new ConfigurationError(
    "better-sqlite3 is installed but not built for this Node.js: run npm rebuild better-sqlite3 (install scripts must be allowed), or use node:sqlite of Node.js 22.13 or later.",
    { cause: error },
  );
}

/** True for what the drivers throw once the connection was closed: neither has a code of SQLite's. */
export function isClosed(error: unknown): boolean {
  return error instanceof Error && /database( connection)? is not open|has been finalized/.test(error.message);
}
