import { CorruptRecordError, UnreadableRecordsError, UnsealableError } from "../errors.ts";

/** True for the failure of reading one record, which says nothing of the others. */
export function isUnreadable(failure: unknown): failure is CorruptRecordError | UnsealableError {
  return failure instanceof CorruptRecordError || failure instanceof UnsealableError;
}

/** What a listing could not read: it lists the others, and says at its end what is missing. */
export class UnreadableRecords {
  readonly #keyIds = new Set<string>();
  #count = 0;
  #first: unknown;

  /**
   * Reads a record, or counts it where it cannot be read.
   *
   * @returns What was read, or undefined for a record that was counted.
   */
  read<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (failure) {
      if (!isUnreadable(failure)) throw failure;
      this.add(failure);
      return undefined;
    }
  }

  /** Reads a listing to its end, and counts what it could not read. */
  async readAll<T>(listing: AsyncIterable<T>): Promise<T[]> {
    const listed: T[] = [];
    try {
      for await (const entry of listing) listed.push(entry);
    } catch (failure) {
      if (!(failure instanceof UnreadableRecordsError)) throw failure;
      this.addAll(failure);
    }
    return listed;
  }

  /** Counts what a listing could not read, but for so many of it that were counted before. */
  addAll(failure: UnreadableRecordsError, known = 0): void {
    this.#count += failure.count - known;
    this.#first ??= failure.cause;
    for (const keyId of failure.keyIds) this.#keyIds.add(keyId);
  }

  /** Counts a record that could not be read. */
  add(failure: CorruptRecordError | UnsealableError): void {
    this.#count += 1;
    this.#first ??= failure;
    if (failure instanceof UnsealableError && failure.keyId !== undefined) this.#keyIds.add(failure.keyId);
  }

  /** @throws {UnreadableRecordsError} when there was a record that could not be read. */
  throwIfAny(): void {
    if (this.#count === 0) return;
    const records = this.#count === 1 ? "1 record" : `${this.#count} records`;
    const keyIds = [...this.#keyIds].sort();
    const remedy =
      keyIds.length === 0
        ? "The cause says what is wrong with the first of them; they can be deleted by their keys."
        : `Put the secrets back whose keys have the ids ${keyIds.join(", ")}.`;
    throw new UnreadableRecordsError(`${records} could not be read and stayed as they were. ${remedy}`, {
      count: this.#count,
      keyIds,
      cause: this.#first,
    });
  }
}
