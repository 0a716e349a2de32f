import { requireKind } from "../../option-checks.ts";
import type { SharedPostgres } from "./shared-postgres.ts";

/** A look at the expired rows comes once in so many writes, and removes more rows than were written meanwhile. */
const writesPerRemoval = 100;
const rowsPerRemoval = 250;

/** How long a row stays after its expiry, in seconds, so that an instance whose clock is slow still finds its records. */
const margin = 300;

/**
 * Removes expired rows a few at a time as writes come, beside them: no write waits for it. Rows that somebody else has locked
 * are left to the next time.
 */
export class ExpiredRows {
  readonly #shared: SharedPostgres;
  readonly #text: string;
  readonly #clock: () => number;
  readonly #onFailure: (error: unknown) => void;
  #writes = 0;
  #isRunning = false;

  /** @param onFailure - Default: a warning of the process. */
  constructor(
    shared: SharedPostgres,
    quotedTable: string,
    clock: () => number,
    onFailure: (error: unknown) => void = warn,
  ) {
    requireKind("onRemovalFailure", onFailure, "function");
    this.#shared = shared;
    this.#clock = clock;
    this.#onFailure = onFailure;
    this.#text = `DELETE FROM ${quotedTable} WHERE key IN (
      SELECT key FROM ${quotedTable} WHERE expires_at <= $1::double precision
      ORDER BY expires_at LIMIT ${rowsPerRemoval} FOR UPDATE SKIP LOCKED
    )`;
  }

  /** Counts a write, and begins a removal where it is time. */
  countWrite(): void {
    this.#writes += 1;
    if (this.#writes % writesPerRemoval !== 0 || this.#isRunning) return;
    this.#isRunning = true;
    void this.#remove();
  }

  async #remove(): Promise<void> {
    try {
      const before = this.#clock() / 1_000 - margin;
      await this.#shared.run({ intent: "write", text: this.#text, values: [before] });
    } catch (error) {
      this.#onFailure(error);
    } finally {
      this.#isRunning = false;
    }
  }
}

function warn(error: unknown): void {
  const reason = error instanceof Error ? ` ${error.message}` : "";
  process.emitWarning(`Expired rows could not be removed from Postgres.${reason}`, {
    code: "PANGEA_POSTGRES_EXPIRED_ROWS",
  });
}
