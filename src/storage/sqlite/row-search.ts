import type { LabelledRows } from "../index-search.ts";
import type { IndexEntry, IndexQuery } from "../record-indexes.ts";
import { pauseBefore } from "./busy-pauses.ts";
import type { KeyedRow, RecordTable } from "./record-table.ts";
import type { SharedConnection } from "./shared-connection.ts";
import { isBusy, sqliteFailure } from "./sqlite-failure.ts";

/**
 * Lists the rows of one table, all of them or by their labels, page by page in the order of the keys. Other work of this
 * process has its turn before each page.
 */
export class RowSearch implements LabelledRows<KeyedRow> {
  readonly #connection: SharedConnection;
  readonly #table: RecordTable;
  readonly #beforePage: () => void;

  /** @param beforePage - Called before each page: what it throws ends the search. */
  constructor(connection: SharedConnection, table: RecordTable, beforePage: () => void) {
    this.#connection = connection;
    this.#table = table;
    this.#beforePage = beforePage;
  }

  /** All rows, those that have expired included. */
  all(): AsyncGenerator<KeyedRow, void, undefined> {
    return this.#rows((after) => this.#table.page(after));
  }

  async *ofOtherSchemes(known: readonly string[]): AsyncGenerator<KeyedRow, void, undefined> {
    const schemes = await this.#patiently(() => this.#table.schemes());
    for (const scheme of [null, ...schemes.filter((each) => !known.includes(each))]) {
      yield* this.#rows((after) => this.#table.pageOfScheme(scheme, after));
    }
  }

  async *ofLabels({ position, labels }: IndexQuery): AsyncGenerator<KeyedRow, void, undefined> {
    for (const label of labels) yield* this.#rows((after) => this.#table.pageOfLabel(position, label, after));
  }

  async label(rows: readonly (KeyedRow & { readonly entry: IndexEntry | undefined })[]): Promise<void> {
    if (rows.length === 0) return;
    const write = this.#connection.write(() => {
      for (const { key, value, entry } of rows) if (entry !== undefined) this.#table.relabel(key, value, entry);
    });
    await write.catch(() => undefined);
  }

  /** The rows of one page after the other. */
  async *#rows(page: (after: string) => KeyedRow[]): AsyncGenerator<KeyedRow, void, undefined> {
    for (let after = ""; ; ) {
      const from = after;
      const rows = await this.#patiently(() => page(from));
      const last = rows.at(-1);
      if (last === undefined) return;
      yield* rows;
      after = last.key;
    }
  }

  /** Reads in a turn of its own, and again where the database is locked. */
  async #patiently<T>(read: () => T): Promise<T> {
    const { timeout, pause } = this.#connection.patience;
    const deadline = performance.now() + timeout;
    for (let attempt = 0; ; attempt++) {
      await new Promise((resolve) => setImmediate(resolve));
      this.#beforePage();
      try {
        return read();
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw sqliteFailure(error, "read");
        await pause(pauseBefore(attempt));
      }
    }
  }
}
