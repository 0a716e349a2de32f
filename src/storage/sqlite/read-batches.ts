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
  #open: Read[] | undefined;

  constructor(table: RecordTable, patience: Patience) {
    this.#table = table;
    this.#patience = patience;
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
      process.nextTick(() => this.#run(batch));
    });
  }

  #run(batch: readonly Read[]): void {
    this.#open = undefined;
    for (let start = 0; start < batch.length; start += readsPerStatement) {
      this.#read(batch.slice(start, start + readsPerStatement), 0, performance.now() + this.#patience.timeout);
    }
  }

  #read(reads: readonly Read[], attempt: number, deadline: number): void {
    let rows: readonly (RecordRow | undefined)[];
    try {
      rows = this.#rowsOf(reads);
    } catch (error) {
      if (isBusy(error) && performance.now() < deadline) {
        void this.#patience.pause(pauseBefore(attempt)).then(() => this.#read(reads, attempt + 1, deadline));
        return;
      }
      const failure = isBusy(error) ? stayedLocked(this.#patience.timeout) : sqliteFailure(error, "read");
      for (const read of reads) read.reject(failure);
      return;
    }
    reads.forEach((read, index) => {
      read.resolve(rows[index]);
    });
  }

  #rowsOf(reads: readonly Read[]): (RecordRow | undefined)[] {
    const [first] = reads;
    if (reads.length === 1 && first !== undefined) return [this.#table.get(first.key)];
    return this.#table.getMany(reads.map(({ key }) => key));
  }
}
