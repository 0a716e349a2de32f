/**
 * Where a record lives. A codec that seals binds what it writes to this place, so that a stored value cannot be moved
 * to another key; the others ignore it.
 */
export interface RecordLocation {
  /** The repository's namespace: a Redis prefix, a Vault folder. */
  readonly repository: string;
  /** The record's key in that repository. */
  readonly key: string;
}

/**
 * Turns a record into text and back.
 *
 * `encode` throws `InvalidRecordError` for a value that the schema refuses; `decode` throws `CorruptRecordError` for
 * text that does not hold a valid record. Neither puts any of the content into the error.
 *
 * @example
 * ```ts
 * const rot13: Codec<string> = { encode: (value) => scramble(value), decode: (text) => scramble(text) };
 * ```
 */
export interface Codec<V> {
  encode(value: V, location: RecordLocation): string;
  decode(text: string, location: RecordLocation): V;
  /**
   * What stands in an index for a text, once for each key that records may be sealed with: the first is what a record that is
   * written now gets. A codec that seals has this method, so that an index tells nothing of what the seal hides. Default: the
   * text's SHA-256, for records that anybody who reads the store can read.
   */
  labels?(text: string): readonly IndexLabel[];
}

/** What stands in an index for a text. */
export interface IndexLabel {
  /** The id of the key that the label was made with. */
  readonly keyId: string;
  /** 1 to 64 of `A-Z`, `a-z`, `0-9`, `_` and `-`: the same for the same text and key. */
  readonly label: string;
}
