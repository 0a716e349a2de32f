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
  /** Whether one of them may open yet, with the right keys. */
  #mayOpen = false;

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
    this.#mayOpen ||= failure.cause instanceof UnsealableError;
    for (const keyId of failure.keyIds) this.#keyIds.add(keyId);
  }

  /** Counts a record that could not be read. */
  add(failure: CorruptRecordError | UnsealableError): void {
    this.#count += 1;
    this.#first ??= failure;
    this.#mayOpen ||= failure instanceof UnsealableError;
    if (failure instanceof UnsealableError && failure.keyId !== undefined) this.#keyIds.add(failure.keyId);
  }

  /** @throws {UnreadableRecordsError} when there was a record that could not be read. */
  throwIfAny(): void {
    if (this.#count === 0) return;
    const isOne = this.#count === 1;
    const what = isOne
      ? "1 record could not be read and stayed as it was."
      : `${this.#count} records could not be read and stayed as they were.`;
    const keyIds = [...this.#keyIds].sort();
    const secrets =
      keyIds.length === 1
        ? `Give the secret whose key has the id ${keyIds[0]}, beside the others if there are any.`
        : `Give the secrets whose keys have the ids ${keyIds.join(", ")}, beside the others if there are any.`;
    const cause = `The cause says what is wrong with ${isOne ? "it" : "the first of them"}`;
    const otherwise = this.#mayOpen
      ? `${cause}. Look first whether ${isOne ? "it was" : "they were"} written with other keys, or without keys.`
      : `${cause}; ${isOne ? "it can be deleted by its key" : "they can be deleted by their keys"}.`;
    throw new UnreadableRecordsError(`${what} ${keyIds.length > 0 ? secrets : otherwise}`, {
      count: this.#count,
      keyIds,
      cause: this.#first,
    });
  }
}
