import { textIn } from "./postgres-like.ts";
import type { SharedPostgres } from "./shared-postgres.ts";

/** How many keys one statement asks for. */
const keysPerStatement = 500;

/** The reads that share a statement. */
interface TextBatch {
  readonly keys: Set<string>;
  readonly answer: Promise<ReadonlyMap<string, string>>;
}

/**
 * Collects the reads of one turn into one statement. A turn ends when no promise has a reaction left to run, so the reads of
 * one request share a statement, and no read waits for anything that takes time.
 */
export class TextBatches {
  readonly #shared: SharedPostgres;
  readonly #one: string;
  readonly #several: string;
  #open: TextBatch | undefined;

  constructor(shared: SharedPostgres, quotedTable: string) {
    this.#shared = shared;
    this.#one = `SELECT key, value FROM ${quotedTable} WHERE key = $1`;
    this.#several = `SELECT key, value FROM ${quotedTable} WHERE key = ANY($1::text[])`;
  }

  async read(storedKey: string): Promise<string | undefined> {
    if (this.#open === undefined || this.#open.keys.size >= keysPerStatement) this.#open = this.#begin();
    const batch = this.#open;
    batch.keys.add(storedKey);
    return (await batch.answer).get(storedKey);
  }

  #begin(): TextBatch {
    const keys = new Set<string>();
    const answer = new Promise<ReadonlyMap<string, string>>((resolve, reject) => {
      process.nextTick(() => {
        // The turn is over: its batches take no more keys.
        this.#open = undefined;
        this.#send([...keys]).then(resolve, reject);
      });
    });
    return { keys, answer };
  }

  async #send(keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await this.#shared.run({
      intent: "read",
      text: keys.length === 1 ? this.#one : this.#several,
      values: keys.length === 1 ? [keys[0]] : [keys],
    });
    const texts = new Map<string, string>();
    for (const row of rows) {
      const key = textIn(row, "key");
      const value = textIn(row, "value");
      if (key !== undefined && value !== undefined) texts.set(key, value);
    }
    return texts;
  }
}
