import { requireMethods, requireTimeout } from "../../option-checks.ts";
import type { Finding } from "../finding.ts";
import type { Patience } from "./busy-pauses.ts";
import { type DatabaseFile, fileOfConnection } from "./database-file.ts";
import { sqliteFailure } from "./sqlite-failure.ts";
import type { SqliteLike } from "./sqlite-like.ts";
import { WriteQueue } from "./write-queue.ts";

/** Removes so many expired rows of a table at the most, and answers how many it removed. */
export type Sweep = (limit: number) => number;

const defaultTimeout = 5_000;

/** Expired rows are looked for beside one write of so many. */
const writesPerSweep = 16;

/**
 * How many rows are removed then: as many as one transaction can write, so that they go at least as fast as they come, and
 * few enough to be gone in a millisecond.
 */
const rowsPerSweep = 64;

/**
 * A connection with what is under way on it. The repositories of several kinds of record can share one: what they write in
 * the same turn is then one transaction.
 */
export class SharedConnection {
  readonly database: SqliteLike;
  readonly patience: Patience;
  readonly #file: DatabaseFile | undefined;
  readonly #writes: WriteQueue;
  readonly #sweeps: Sweep[] = [];
  #writesSinceSweep = 0;
  #nextSweep = 0;
  #reads = 0;
  readonly #whenRead: (() => void)[] = [];

  /**
   * @param timeout - How long a call may wait for other connections, in milliseconds. Default: 5,000.
   * @throws {ConfigurationError} when the timeout is not positive, or the database is none.
   * @throws {StorageError} when the connection is closed.
   */
  constructor(database: SqliteLike, timeout = defaultTimeout, pause: Patience["pause"] = pauseFor) {
    requireMethods("The database", database, ["exec", "prepare"], "open one with openSqlite()");
    requireTimeout("timeout", timeout);
    this.database = database;
    this.#file = fileOfConnection(database);
    this.patience = { timeout, pause };
    try {
      this.#writes = new WriteQueue(database, this.patience, (writes) => this.#dueSweep(writes));
    } catch (error) {
      throw sqliteFailure(error, "open");
    }
  }

  /** Counts a table whose expired rows are to be removed as writes come, its own and those of the others. */
  join(sweep: Sweep): void {
    this.#sweeps.push(sweep);
  }

  /**
   * Runs a write in its turn. See {@link WriteQueue.write}.
   *
   * @throws {StorageUnavailableError} when the file that is open is not the one at its path any more.
   */
  write<T>(run: () => T): Promise<T> {
    try {
      this.#file?.requireInPlace();
    } catch (failure) {
      return Promise.reject(failure);
    }
    return this.#writes.write(run);
  }

  /** Whether the file that is open is the one at its path. */
  diagnose(): Finding[] {
    const finding = this.#file?.diagnose();
    return finding === undefined ? [] : [finding];
  }

  /** Counts reads that are under way, until the function that this answers with is called. */
  beginReads(): () => void {
    this.#reads += 1;
    return () => {
      this.#reads -= 1;
      if (this.#reads === 0) for (const resolve of this.#whenRead.splice(0)) resolve();
    };
  }

  /** Resolves when no call is under way. */
  async idle(): Promise<void> {
    await this.#writes.idle();
    if (this.#reads > 0) await new Promise<void>((resolve) => this.#whenRead.push(resolve));
  }

  /** A look at one table after the other, from where the last look ended: one that nobody writes to becomes empty too. */
  #dueSweep(writes: number): (() => void) | undefined {
    this.#writesSinceSweep += writes;
    if (this.#writesSinceSweep < writesPerSweep) return undefined;
    this.#writesSinceSweep = 0;
    return () => {
      let left = rowsPerSweep;
      for (let looked = 0; looked < this.#sweeps.length; looked++) {
        left -= this.#sweeps[this.#nextSweep % this.#sweeps.length]?.(left) ?? 0;
        if (left <= 0) return;
        this.#nextSweep += 1;
      }
    };
  }
}

function pauseFor(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
