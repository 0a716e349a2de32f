import { type Stats, statSync } from "node:fs";
import { resolve } from "node:path";
import { StorageUnavailableError } from "../../errors.ts";
import type { Finding } from "../finding.ts";
import type { SqliteLike } from "./sqlite-like.ts";

/** How long a look at the file stands for the writes after it, in milliseconds. */
const lookEvery = 60_000;

/** The files of the connections that are open, by their connection. */
const files = new WeakMap<SqliteLike, DatabaseFile>();

/**
 * The file behind a connection. A process keeps the file that it has opened when that is deleted, or when another one is
 * moved into its place: every write is answered then, and nobody finds any of it after a restart.
 */
export class DatabaseFile {
  readonly #path: string;
  readonly #now: () => number;
  readonly #opened: Identity | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /**
   * @param path - Of the file that was opened. The working directory may be another one later.
   * @param now - In milliseconds, from any beginning.
   */
  constructor(path: string, now: () => number = () => performance.now()) {
    this.#path = resolve(path);
    this.#now = now;
    this.#opened = identityOf(this.#path);
  }

  /**
   * Looks, at most once a minute, whether the file is still the one at its path.
   *
   * @throws {StorageUnavailableError} when it is gone, or another one stands there.
   */
  requireInPlace(): void {
    const now = this.#now();
    if (now < this.#lookedAt + lookEvery) return;
    const fault = this.#fault();
    // What is not in place is looked for at each write: whoever puts the file back is served at once.
    if (fault !== undefined) throw new StorageUnavailableError(`${fault} ${remedy}`, { effect: "none" });
    this.#lookedAt = now;
  }

  /** What is wrong with the file, as a finding; undefined where it is in place. */
  diagnose(): Finding | undefined {
    const what = this.#fault();
    if (what === undefined) return undefined;
    const why = "What this process writes is in a file without a name, and is lost when it ends.";
    return { check: "store-file", status: "error", what, why, remedy };
  }

  #fault(): string | undefined {
    if (this.#opened === undefined) return undefined;
    const found = identityOf(this.#path);
    if (found === undefined) return undefined;
    if (found === "absent") return `The file ${this.#path} is not at its place any more.`;
    if (this.#opened !== "absent" && found.dev === this.#opened.dev && found.ino === this.#opened.ino) return undefined;
    return `At ${this.#path} is another file than the one that is open.`;
  }
}

const remedy =
  "Stop the server, put the file that is to be used in its place, without -wal and -shm of another one beside it, and start the server again.";

/** Which file stands at a path. Undefined where that cannot be looked at. */
type Identity = Pick<Stats, "dev" | "ino"> | "absent";

function identityOf(path: string): Identity | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? "absent";
  } catch {
    return undefined;
  }
}

/** Notes which file a connection has opened. */
export function noteFile(database: SqliteLike, file: DatabaseFile): void {
  files.set(database, file);
}

/** The file that a connection has opened; undefined where `openSqlite` has not opened it, or it has none. */
export function fileOfConnection(database: SqliteLike): DatabaseFile | undefined {
  return files.get(database);
}
