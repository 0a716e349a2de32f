import { CorruptRecordError, UnreadableRecordsError, UnsealableError } from "../errors.ts";

/** True for the failure of reading one record, which says nothing of the others. */
export function isUnreadable(failure: unknown): failure is CorruptRecordError | UnsealableError {
  return failure instanceof CorruptRecordError || failure instanceof UnsealableError;
}

const ofOthers = "Where another server keeps records here too, give each a namespace of its own.";

/** What a listing could not read: it lists the others, and says at its end what is missing. */
export class UnreadableRecords {
  /** How many records each missing key has sealed. */
  readonly #keyIds = new Map<string, number>();
  /** Whether those numbers are right. */
  #isCountedByKey = true;
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
    if (known > 0 || failure.countByKeyId === undefined) this.#isCountedByKey = false;
    for (const keyId of failure.keyIds) this.#addKey(keyId, failure.countByKeyId?.get(keyId));
  }

  /** Counts what a listing could not read, but for the records that these keys have sealed. */
  addAllBut(failure: UnreadableRecordsError, keyIds: ReadonlySet<string>): void {
    const { countByKeyId } = failure;
    const leftOut = [...keyIds].map((keyId) => countByKeyId?.get(keyId) ?? 0);
    this.#count += failure.count - leftOut.reduce((sum, count) => sum + count, 0);
    const { cause } = failure;
    // A cause that is about what is left out says nothing of the rest, which the listing's own words are about.
    const isAboutRest = !(cause instanceof UnsealableError && cause.keyId !== undefined && keyIds.has(cause.keyId));
    this.#first ??= isAboutRest ? cause : failure;
    this.#mayOpen ||= cause instanceof UnsealableError;
    for (const keyId of failure.keyIds) if (!keyIds.has(keyId)) this.#addKey(keyId, countByKeyId?.get(keyId));
  }

  /** Counts a record that could not be read. */
  add(failure: CorruptRecordError | UnsealableError): void {
    this.#count += 1;
    this.#first ??= failure;
    this.#mayOpen ||= failure instanceof UnsealableError;
    if (failure instanceof UnsealableError && failure.keyId !== undefined) this.#addKey(failure.keyId, 1);
  }

  #addKey(keyId: string, count = 0): void {
    this.#keyIds.set(keyId, (this.#keyIds.get(keyId) ?? 0) + count);
  }

  /** @throws {UnreadableRecordsError} when there was a record that could not be read. */
  throwIfAny(): void {
    if (this.#count === 0) return;
    const isOne = this.#count === 1;
    const what = isOne
      ? "1 record could not be read and stayed as it was."
      : `${this.#count} records could not be read and stayed as they were.`;
    const keyIds = [...this.#keyIds.keys()].sort();
    const secrets =
      keyIds.length === 1
        ? `Give the secret whose key has the id ${keyIds[0]}, beside the others if there are any. ${ofOthers}`
        : `Give the secrets whose keys have the ids ${keyIds.join(", ")}, beside the others if there are any. ${ofOthers}`;
    const cause = `The cause says what is wrong with ${isOne ? "it" : "the first of them"}`;
    const otherwise = this.#mayOpen
      ? `${cause}. Look first whether ${isOne ? "it was" : "they were"} written with other keys, or without keys.`
      : `${cause}; ${isOne ? "it can be deleted by its key" : "they can be deleted by their keys"}.`;
    throw new UnreadableRecordsError(`${what} ${keyIds.length > 0 ? secrets : otherwise}`, {
      count: this.#count,
      keyIds,
      ...(this.#isCountedByKey && { countByKeyId: new Map(this.#keyIds) }),
      cause: this.#first,
    });
  }
}
