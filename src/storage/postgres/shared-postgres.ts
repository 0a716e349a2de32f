import { StorageClosedError } from "../../errors.ts";
import { requireThat, requireTimeout } from "../../option-checks.ts";
import { beforeDeadline } from "../deadline.ts";
import {
  isConnectionLoss,
  type PostgresIntent,
  passesAgain,
  postgresFailure,
  postgresTimeout,
} from "./postgres-failure.ts";
import { type PostgresLike, rowsOf } from "./postgres-like.ts";
import { TextBatches } from "./text-batches.ts";

const defaultTimeout = 2_000;

/** How often a statement is sent that Postgres undid since another one interfered. */
const attempts = 5;

/** What a repository asks of Postgres. */
export interface Statement {
  readonly intent: PostgresIntent;
  readonly text: string;
  readonly values: unknown[];
}

/** A pool as `pg` has it: it tells of idle connections that were lost, and ends the process where nobody listens. */
interface FailingPool {
  on(event: "error", listener: (error: unknown) => void): unknown;
  listenerCount(event: "error"): number;
}

/**
 * A client of Postgres with what is under way on it. The repositories of several kinds of record can share one: what they
 * read in the same turn is then one statement.
 */
export class SharedPostgres {
  readonly #postgres: PostgresLike;
  readonly #timeout: number;
  readonly #underWay = new Set<Promise<unknown>>();
  readonly #batches = new Map<string, TextBatches>();
  #users = 0;
  #isClosed = false;

  /**
   * @param timeout - How long a call may take, in milliseconds. Default: 2,000.
   * @throws {ConfigurationError} when the client has no method `query`, or the timeout is not positive.
   */
  constructor(postgres: PostgresLike, timeout = defaultTimeout) {
    requireThat(
      typeof Object(postgres).query === "function",
      "A Postgres client with a method query(text, values) is missing: give a Pool of pg, for one.",
    );
    requireTimeout("timeout", timeout);
    this.#postgres = postgres;
    this.#timeout = timeout;
    // A lost idle connection is replaced by the pool. What that means for a statement, the statement's own error says.
    if (isFailingPool(postgres) && postgres.listenerCount("error") === 0) postgres.on("error", () => undefined);
  }

  /** Counts a repository that sends its statements here. */
  join(): void {
    this.#users += 1;
  }

  /** Counts the repository no more, and waits for the statements under way. The client stays open. */
  async leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users === 0) this.#isClosed = true;
    // The reads of this turn are sent when it is over.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    await Promise.allSettled(this.#underWay);
  }

  /** Reads the text under a key of a table, in a statement shared with the other reads of this turn. */
  read(quotedTable: string, storedKey: string): Promise<string | undefined> {
    const batches = this.#batches.get(quotedTable) ?? new TextBatches(this, quotedTable);
    this.#batches.set(quotedTable, batches);
    return batches.read(storedKey);
  }

  /**
   * Sends a statement and answers with its rows. A read whose connection was lost is sent once more, and any statement that
   * Postgres undid since another one interfered.
   *
   * @throws {StorageFailure} when Postgres does not do it before the timeout.
   */
  async run(statement: Statement): Promise<readonly unknown[]> {
    if (this.#isClosed) throw postgresClosed();
    const running = this.#runUntilDeadline(statement);
    this.#underWay.add(running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(running);
    }
  }

  async #runUntilDeadline(statement: Statement): Promise<readonly unknown[]> {
    const start = performance.now();
    for (let attempt = 1, losses = 0; ; attempt += 1) {
      const left = this.#timeout - (performance.now() - start);
      try {
        return await beforeDeadline(left, this.#send(statement), () => postgresTimeout(statement.intent));
      } catch (error) {
        if (!(error instanceof SendFailure)) throw error;
        const isLostRead = statement.intent === "read" && losses === 0 && isConnectionLoss(error.cause);
        if (isLostRead) losses += 1;
        if (attempt >= attempts || !(isLostRead || passesAgain(error.cause))) {
          throw postgresFailure(error.cause, statement.intent);
        }
      }
    }
  }

  async #send({ text, values }: Statement): Promise<readonly unknown[]> {
    try {
      return rowsOf(await this.#postgres.query(text, values));
    } catch (error) {
      throw new SendFailure("The client failed.", { cause: error });
    }
  }
}

/** Tells the client's failures from a deadline of our own. */
class SendFailure extends Error {}

/** The error of a statement that was not sent, since its repository was closed. */
export function postgresClosed(): StorageClosedError {
  return new StorageClosedError("The repository was closed; create a new one.", { effect: "none" });
}

function isFailingPool(postgres: object): postgres is FailingPool {
  return "on" in postgres && typeof postgres.on === "function" && "listenerCount" in postgres;
}
