import type { KeySpace } from "../key-space.ts";
import type { RecordText } from "../record-text.ts";
import { isUnreadable, UnreadableRecords } from "../unreadable-records.ts";
import type { LabelMember, RecordLabels } from "./record-labels.ts";
import { isRefused } from "./redis-failure.ts";
import { remainingLife } from "./remaining-life.ts";
import { scanRecordKeys } from "./scan-record-keys.ts";
import type { SharedClient } from "./shared-client.ts";

/** How many records a search that reads everything gives their entries in the index at once. */
const recordsLabelledTogether = 100;

/** What a search needs of the repository. */
export interface RecordSearchParts<V> {
  readonly shared: SharedClient;
  readonly keys: KeySpace;
  readonly records: RecordText<V>;
  readonly labels: RecordLabels;
  readonly clock: () => number;
  /** What `get` does. */
  read(key: string): Promise<V | undefined>;
}

/** A record that was asked for: its value, or why it cannot be read. */
type Outcome<V> = PromiseSettledResult<V | undefined>;

/** Lists the records of one repository: all of them by SCAN, or those that an index leads to. */
export class RecordSearch<V> {
  readonly #parts: RecordSearchParts<V>;

  constructor(parts: RecordSearchParts<V>) {
    this.#parts = parts;
  }

  /** @throws {UnreadableRecordsError} after the last entry, when there are records that cannot be read. */
  async *all(): AsyncGenerator<[string, V], void, undefined> {
    const { shared, keys } = this.#parts;
    const unreadable = new UnreadableRecords();
    for await (const page of scanRecordKeys(shared.redis, shared.sender, keys)) {
      for (const [key, read] of await this.#readAll(page, (key) => key)) {
        if (isRead(read, unreadable) && read.value !== undefined) yield [key, read.value];
      }
    }
    unreadable.throwIfAny();
  }

  /**
   * The records that an index has under a value. Where the index is not complete, all records are read, and each is given its
   * entries.
   *
   * @throws {ConfigurationError} when there is no such index.
   * @throws {UnreadableRecordsError} after the last entry, when there are records that cannot be read and that may be meant.
   */
  async *byIndex(index: string, value: string): AsyncGenerator<[string, V], void, undefined> {
    const { labels, keys } = this.#parts;
    const { indexes } = this.#parts.records;
    const query = indexes.queryFor(index, value, keys.prefix);
    if (!(await labels.isComplete())) {
      for await (const [key, record] of this.#completing())
        if (indexes.isMeant(record, query, value)) yield [key, record];
      return;
    }
    const unreadable = new UnreadableRecords();
    const seen = new Set<string>();
    for await (const members of labels.find(query)) {
      const wrong: LabelMember[] = [];
      const unseen = members.filter(({ key }) => !seen.has(key));
      for (const [member, read] of await this.#readAll(unseen, ({ key }) => key)) {
        // A record that was written anew has two entries.
        if (seen.has(member.key)) continue;
        if (!isRead(read, unreadable)) {
          seen.add(member.key);
        } else if (read.value === undefined || !indexes.isMeant(read.value, query, value)) {
          wrong.push(member);
        } else {
          seen.add(member.key);
          yield [member.key, read.value];
        }
      }
      await labels.remove(query, wrong);
    }
    unreadable.throwIfAny();
  }

  /** Every record, each given its entries in the index. At the end the index is complete, unless a record could not be read. */
  async *#completing(): AsyncGenerator<[string, V], void, undefined> {
    const complete = await this.#parts.labels.beginCompletion();
    let mayWrite = true;
    let unlabelled: [string, V][] = [];
    const label = async (): Promise<void> => {
      const labelled = await Promise.all(unlabelled.map(([key, record]) => this.#addLabels(key, record)));
      mayWrite &&= labelled.every(Boolean);
      unlabelled = [];
    };
    for await (const entry of this.all()) {
      if (mayWrite) unlabelled.push(entry);
      if (unlabelled.length >= recordsLabelledTogether) await label();
      yield entry;
    }
    await label();
    if (mayWrite) await complete();
  }

  /** False where Redis does not let this user write the index. */
  async #addLabels(key: string, record: V): Promise<boolean> {
    const { records, keys, labels, clock } = this.#parts;
    const { expiresAt, indexEntry } = records.indexed(record, { repository: keys.prefix, key });
    if (indexEntry === undefined) return false;
    try {
      await labels.add(key, indexEntry, remainingLife(expiresAt, clock()));
      return true;
    } catch (failure) {
      if (isRefused(failure)) return false;
      throw failure;
    }
  }

  /** Reads in one turn what several things lead to. */
  async #readAll<T>(found: readonly T[], keyOf: (one: T) => string): Promise<[T, Outcome<V>][]> {
    const reads = await Promise.allSettled(found.map((one) => this.#parts.read(keyOf(one))));
    return found.flatMap((one, position): [T, Outcome<V>][] => {
      const read = reads[position];
      return read === undefined ? [] : [[one, read]];
    });
  }
}

/** False for a record that cannot be read, which is counted. */
function isRead<T>(read: PromiseSettledResult<T>, unreadable: UnreadableRecords): read is PromiseFulfilledResult<T> {
  if (read.status === "fulfilled") return true;
  if (!isUnreadable(read.reason)) throw read.reason;
  unreadable.add(read.reason);
  return false;
}
