import type { IndexEntry, IndexQuery, RecordIndexes } from "./record-indexes.ts";
import { UnreadableRecords } from "./unreadable-records.ts";

/** A row of a table that keeps labels beside its records. */
export interface SearchedRow {
  /** The record's key. */
  readonly key: string;
}

/** The rows of one repository, as a search by an index reads and labels them. */
export interface LabelledRows<Row extends SearchedRow> {
  /** The live rows without labels, and those whose labels were made in another way than these. */
  ofOtherSchemes(known: readonly string[]): AsyncIterable<Row>;
  /** The live rows with one of the labels of a query. */
  ofLabels(query: IndexQuery): AsyncIterable<Row>;
  /** Labels rows that are still as they were read. Where that fails, the next search reads them again. */
  label(rows: readonly (Row & { readonly entry: IndexEntry | undefined })[]): Promise<void>;
}

/** What a search by an index needs of a repository. */
export interface SearchedRepository<V, Row extends SearchedRow> {
  readonly rows: LabelledRows<Row>;
  readonly indexes: RecordIndexes<V>;
  /** What the labels were made for. */
  readonly name: string;
  /** How many rows are labelled together. */
  readonly labelledTogether: number;
  /** The record of a row; undefined for one that has expired. */
  read(row: Row): V | undefined;
}

/**
 * Every live record that an index has under a value. Rows that no label leads to are all read, and those that can be read are
 * labelled on the way, so that the next search finds them by the index.
 *
 * @throws {ConfigurationError} when there is no such index.
 * @throws {UnreadableRecordsError} after the last entry, when there are records that cannot be read and that may be meant.
 */
export async function* searchByIndex<V, Row extends SearchedRow>(
  { rows, indexes, name, labelledTogether, read }: SearchedRepository<V, Row>,
  index: string,
  value: string,
): AsyncGenerator<[string, V], void, undefined> {
  const query = indexes.queryFor(index, value, name);
  const unreadable = new UnreadableRecords();
  // Rows without labels come first: one that another process labels meanwhile is found among the labelled ones then.
  const seen = new Set<string>();
  const unlabelled: (Row & { readonly entry: IndexEntry | undefined })[] = [];
  for await (const row of rows.ofOtherSchemes(indexes.schemes())) {
    const record = unreadable.read(() => read(row));
    if (record === undefined) continue;
    unlabelled.push({ ...row, entry: indexes.entryOf(record, name) });
    if (unlabelled.length === labelledTogether) await rows.label(unlabelled.splice(0));
    if (!indexes.isMeant(record, query, value)) continue;
    seen.add(row.key);
    yield [row.key, record];
  }
  await rows.label(unlabelled);
  for await (const row of rows.ofLabels(query)) {
    const record = seen.has(row.key) ? undefined : unreadable.read(() => read(row));
    if (record !== undefined && indexes.isMeant(record, query, value)) yield [row.key, record];
  }
  unreadable.throwIfAny();
}
