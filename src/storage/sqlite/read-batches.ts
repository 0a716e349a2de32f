import { type Patience, pauseBefore, stayedLocked } from "./busy-pauses.ts";
import type { RecordRow, RecordTable } from "./record-table.ts";
import { isBusy, sqliteFailure } from "./sqlite-failure.ts";

/** A read that waits for its row. */
interface Read {
  readonly key: string;
  /** Takes the row; what it throws fails this read only. */
  readonly resolve: (row: RecordRow | undefined) => void;
  readonly reject: (failure: unknown) => void;
}

/** How many rows one statement reads, so that the process is not held up for long. */
const readsPerStatement = 500;

/**
 * Collects the reads of one turn into one statement: with each statement SQLite takes and gives back its locks, which
 * costs more than to find a row. A read that comes alone has the plain statement, which is the fastest for one. A turn
 * ends when no promise has a reaction left to run.
 */
export class ReadBatches {
  readonly #table: RecordTable;
  readonly #patience: Patience;
  readonly #begin: () => () => void;
  #open: Read[] | undefined;

  /** @param begin - Called when reads begin; what it answers with is called when they end. */
  constructor(table: RecordTable, patience: Patience, begin: () => () => void) {
    this.#table = table;
    this.#patience = patience;
    this.#begin = begin;
  }

  /**
   * Reads the row under a key, by a statement shared with the other reads of this turn.
   *
   * @param decode - Makes the answer of the row.
   * @throws {StorageError} when SQLite fails, or stays locked.
   */
  get<T>(key: string, decode: (row: RecordRow | undefined, key: string) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const read: Read = {
        key,
        reject,
        resolve: (row) => {
          try {
            resolve(decode(row, key));
          } catch (failure) {
            reject(failure);
          }
        },
      };
      if (this.#open !== undefined) {
        this.#open.push(read);
        return;
      }
      const batch = [read];
      this.#open = batch;
      const end = this.#begin();
      process.nextTick(() => this.#run(batch, end));
    });
  }

  #run(batch: readonly Read[], end: () => void): void {
    this.#open = undefined;
    const deadline = performance.now() + this.#patience.timeout;
    const first = batch.length > readsPerStatement ? batch.slice(0, readsPerStatement) : batch;
    if (first !== batch) this.#run(batch.slice(readsPerStatement), this.#begin());
    this.#read(first, 0, deadline, end);
  }

  #read(reads: readonly Read[], attempt: number, deadline: number, end: () => void): void {
    try {
      const rows = this.#rowsOf(reads);
      for (const [index, read] of reads.entries()) read.resolve(rows[index]);
    } catch (error) {
      if (isBusy(error) && performance.now() < deadline) {
        void this.#patience.pause(pauseBefore(attempt)).then(() => this.#read(reads, attempt + 1, deadline, end));
        return;
      }
      const failure = isBusy(error) ? stayedLocked(this.#patience.timeout) : sqliteFailure(error, "read");
      for (const read of reads) read.reject(failure);
    }
    end();
  }

  #rowsOf(reads: readonly Read[]): (RecordRow | undefined)[] {
    const keys = reads.map(({ key }) => key);
    return keys.length === 1 ? keys.map((key) => this.#table.get(key)) : this.#table.getMany(keys);
  }
}
