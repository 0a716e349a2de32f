import { type Patience, pauseBefore, stayedLocked } from "./busy-pauses.ts";
import { isBusy, isClosed, resultCodeOf, sqliteFailure } from "./sqlite-failure.ts";
import type { SqliteLike, SqliteStatementLike } from "./sqlite-like.ts";

/** How a write ended. */
type Outcome = { readonly isDone: true } | { readonly isDone: false; readonly failure: unknown };

/** A write that waits for its turn. */
interface Write {
  /** Runs its statements. May be run again where SQLite undid what they did. */
  readonly run: () => void;
  readonly settle: (outcome: Outcome) => void;
  /** When the write gives up, by `performance.now`. */
  readonly deadline: number;
}

/** Hears how many writes come next, and answers with what is to be done in their transaction, where something is due. */
export type Upkeep = (writes: number) => (() => void) | undefined;

/** How many writes one transaction takes, so that neither this process nor another one waits long for its end. */
const writesPerTransaction = 64;

/**
 * The writes of one connection, in the order in which they came. The writes of one turn share a transaction, and so the
 * one wait for the disk with which it ends; a write that comes alone is a statement alone.
 *
 * Where another connection is writing, SQLite waits as long as the connection's `busy_timeout` says, which holds up the
 * process. So that is to be short: after it the queue pauses and tries again, until a write has waited for `timeout`.
 */
export class WriteQueue {
  readonly #patience: Patience;
  readonly #begin: SqliteStatementLike;
  readonly #commit: SqliteStatementLike;
  readonly #rollback: SqliteStatementLike;
  readonly #upkeep: Upkeep;
  #waiting: Write[] = [];
  #isScheduled = false;
  readonly #whenIdle: (() => void)[] = [];

  constructor(database: SqliteLike, patience: Patience, upkeep: Upkeep) {
    this.#patience = patience;
    this.#upkeep = upkeep;
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#rollback = database.prepare("ROLLBACK");
  }

  /**
   * Runs a write in its turn.
   *
   * @param run - Its statements, which may be run again: the answer must follow from theirs.
   * @returns The answer, once the disk has it.
   * @throws {StorageError} when SQLite fails, or stays locked.
   */
  write<T>(run: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let answer: () => void = () => {};
      this.#waiting.push({
        run: () => {
          const result = run();
          answer = () => resolve(result);
        },
        settle: (outcome) => (outcome.isDone ? answer() : reject(outcome.failure)),
        deadline: performance.now() + this.#patience.timeout,
      });
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      process.nextTick(() => this.#next(0));
    });
  }

  /** Resolves when no write waits. */
  async idle(): Promise<void> {
    if (this.#isScheduled) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  #next(attempt: number): void {
    const writes = this.#waiting.slice(0, writesPerTransaction);
    const outcomes = this.#try(writes);
    const isLocked = outcomes.includes(undefined);
    const now = performance.now();
    const left: Write[] = [];
    writes.forEach((write, index) => {
      const outcome = outcomes[index];
      if (outcome !== undefined) write.settle(outcome);
      else if (write.deadline > now) left.push(write);
      else write.settle({ isDone: false, failure: stayedLocked(this.#patience.timeout) });
    });
    this.#waiting = [...left, ...this.#waiting.slice(writes.length)];
    if (this.#waiting.length === 0) this.#rest();
    else if (isLocked) void this.#patience.pause(pauseBefore(attempt)).then(() => this.#next(attempt + 1));
    // Other work of this process has its turn between two transactions.
    else setImmediate(() => this.#next(0));
  }

  #rest(): void {
    this.#isScheduled = false;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** Runs writes, and answers how each ended: `undefined` where the database is locked, and nothing was done. */
  #try(writes: readonly Write[]): (Outcome | undefined)[] {
    const upkeep = this.#upkeep(writes.length);
    const together = writes.length > 1 || upkeep !== undefined ? this.#tryTogether(writes, upkeep) : "refused";
    return together === "refused" ? writes.map(tryAlone) : together;
  }

  /** One transaction for all. `refused` where SQLite refuses a statement of it: each write is then tried alone. */
  #tryTogether(writes: readonly Write[], upkeep: (() => void) | undefined): (Outcome | undefined)[] | "refused" {
    let isCommitting = false;
    try {
      this.#begin.run();
      const outcomes = writes.map(outcomeOf);
      upkeep?.();
      isCommitting = true;
      this.#commit.run();
      return outcomes;
    } catch (error) {
      this.#undo();
      if (isBusy(error)) return writes.map(() => undefined);
      if (!isCommitting) return "refused";
      // What a commit that failed has left on the disk is not certain, so the writes are not done once more.
      const failure = sqliteFailure(error, "write");
      return writes.map(() => ({ isDone: false, failure }));
    }
  }

  #undo(): void {
    try {
      this.#rollback.run();
    } catch {
      // There is no transaction: none was begun, or SQLite has ended it, as it does where the disk is full.
    }
  }
}

/** Runs a write as a transaction of its own. */
function tryAlone(write: Write): Outcome | undefined {
  try {
    return outcomeOf(write);
  } catch (error) {
    return isBusy(error) ? undefined : { isDone: false, failure: sqliteFailure(error, "write") };
  }
}

/** Runs a write. What is wrong with a record fails its own write only, what is wrong with SQLite is thrown. */
function outcomeOf({ run }: Write): Outcome {
  try {
    run();
    return { isDone: true };
  } catch (failure) {
    if (resultCodeOf(failure) !== undefined || isClosed(failure)) throw failure;
    return { isDone: false, failure };
  }
}
