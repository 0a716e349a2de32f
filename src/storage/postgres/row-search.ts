import type { LabelledRows } from "../index-search.ts";
import type { KeySpace } from "../key-space.ts";
import { type IndexEntry, type IndexQuery, maxIndexes } from "../record-indexes.ts";
import { textIn } from "./postgres-like.ts";
import type { SharedPostgres } from "./shared-postgres.ts";
import { labelAt } from "./table.ts";

/** How many rows a page has. */
const rowsPerPage = 500;

/** A row as a search finds it. */
export interface FoundRow {
  /** The record's key. */
  readonly key: string;
  readonly text: string;
}

/** What a search needs of the repository. */
export interface RowSearchParts {
  readonly shared: SharedPostgres;
  /** The table's name, quoted. */
  readonly table: string;
  readonly keys: KeySpace;
  /** The time in epoch seconds. */
  readonly now: () => number;
  /** Called before each page: what it throws ends the search. */
  readonly beforePage: () => void;
}

/**
 * Finds the rows of one repository, all of them or by their labels, page by page in the order of the keys. The first label of a
 * row is its scheme, which says how the others were made, with the repository's prefix before it.
 */
export class RowSearch implements LabelledRows<FoundRow> {
  readonly #shared: SharedPostgres;
  readonly #table: string;
  readonly #keys: KeySpace;
  readonly #now: () => number;
  readonly #beforePage: () => void;

  constructor({ shared, table, keys, now, beforePage }: RowSearchParts) {
    this.#shared = shared;
    this.#table = table;
    this.#keys = keys;
    this.#now = now;
    this.#beforePage = beforePage;
  }

  /** What a write puts into the column `labels`; null without indexes. */
  labelsOf(entry: IndexEntry | undefined): (string | null)[] | null {
    if (entry === undefined) return null;
    return [this.#storedScheme(entry.scheme), ...entry.labels.map((label) => label ?? null)];
  }

  /** All live rows of the repository. */
  all(): AsyncGenerator<FoundRow, void, undefined> {
    return this.#rowsWhere("true", []);
  }

  async *ofLabels({ position, labels }: IndexQuery): AsyncGenerator<FoundRow, void, undefined> {
    for (const label of labels) yield* this.#rowsOfLabel(position + 2, label);
  }

  async *ofOtherSchemes(known: readonly string[]): AsyncGenerator<FoundRow, void, undefined> {
    this.#beforePage();
    const stored = known.map((scheme) => this.#storedScheme(scheme));
    const others = (await this.#schemes()).filter((scheme) => !stored.includes(scheme));
    yield* this.#rowsWhere("labels IS NULL", []);
    for (const scheme of others) yield* this.#rowsOfLabel(1, scheme);
  }

  async label(rows: readonly (FoundRow & { readonly entry: IndexEntry | undefined })[]): Promise<void> {
    const labelled = rows.flatMap(({ key, text, entry }) => {
      const labels = this.labelsOf(entry);
      return labels === null ? [] : [{ key: this.#keys.storedKey(key), text, labels }];
    });
    if (labelled.length === 0) return;
    const positions = Array.from({ length: 1 + maxIndexes }, (_, position) => position);
    const statement = this.#shared.run({
      intent: "write",
      text: `UPDATE ${this.#table} AS held SET labels = ARRAY[${positions.map((position) => `made.label_${position}`).join(", ")}]
      FROM unnest($1::text[], $2::text[], ${positions.map((position) => `$${position + 3}::text[]`).join(", ")})
        AS made (key, value, ${positions.map((position) => `label_${position}`).join(", ")})
      WHERE held.key = made.key AND held.value = made.value`,
      values: [
        labelled.map(({ key }) => key),
        labelled.map(({ text }) => text),
        ...positions.map((position) => labelled.map(({ labels }) => labels[position] ?? null)),
      ],
    });
    await statement.catch(() => undefined);
  }

  #rowsOfLabel(position: number, label: string): AsyncGenerator<FoundRow, void, undefined> {
    return this.#rowsWhere(`labels IS NOT NULL AND ${labelAt(position)} = $4`, [label]);
  }

  /**
   * The live rows of the repository that a condition holds for.
   *
   * @param condition - SQL, with the values from `$4` on.
   */
  async *#rowsWhere(condition: string, values: readonly unknown[]): AsyncGenerator<FoundRow, void, undefined> {
    let after = this.#keys.start;
    for (let isLast = false; !isLast; ) {
      this.#beforePage();
      const rows = await this.#shared.run({
        intent: "read",
        text: `SELECT key, value FROM ${this.#table}
        WHERE key > $1 AND key < $2 AND (expires_at IS NULL OR expires_at > $3::double precision) AND ${condition}
        ORDER BY key LIMIT ${rowsPerPage}`,
        values: [after, this.#keys.end, this.#now(), ...values],
      });
      for (const row of rows) {
        const storedKey = textIn(row, "key") ?? "";
        const key = this.#keys.recordKey(storedKey);
        const text = textIn(row, "value");
        after = storedKey;
        if (key !== undefined && text !== undefined) yield { key, text };
      }
      isLast = rows.length < rowsPerPage;
    }
  }

  /** The schemes of the repository's rows, each by one step of the index. */
  async #schemes(): Promise<string[]> {
    const next = (after: string): string =>
      `SELECT min(${labelAt(1)}) FROM ${this.#table} WHERE labels IS NOT NULL AND ${labelAt(1)} > ${after} AND ${labelAt(1)} < $2`;
    const rows = await this.#shared.run({
      intent: "read",
      text: `WITH RECURSIVE found (scheme) AS (
        (${next("$1")})
        UNION ALL
        SELECT (${next("found.scheme")}) FROM found WHERE found.scheme IS NOT NULL
      )
      SELECT scheme FROM found WHERE scheme IS NOT NULL`,
      values: [this.#keys.start, this.#keys.end],
    });
    return rows.map((row) => textIn(row, "scheme") ?? "");
  }

  #storedScheme(scheme: string): string {
    return this.#keys.start + scheme;
  }
}
