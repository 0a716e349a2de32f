import { ConfigurationError } from "../errors.ts";
import { requireUtf8Key } from "./record-checks.ts";

const separator = ":";
const prefixForm = /^[a-z0-9_-]{1,64}$/;

/**
 * The keys under which one repository keeps its records in a store that others share: its prefix, a colon, the record's
 * key. A prefix cannot hold a colon, so the first colon of a stored key always ends the prefix, and no key of one
 * repository is a key of another.
 *
 * @throws {ConfigurationError} Where the prefix is not 1 to 64 of `a-z`, `0-9`, `_` and `-`.
 *
 * @example
 * ```ts
 * new KeySpace("access-token").storedKey("a:b"); // "access-token:a:b"
 * ```
 */
export class KeySpace {
  readonly prefix: string;
  /** What every key of this repository begins with. */
  readonly start: string;

  constructor(prefix: string) {
    if (typeof prefix !== "string" || !prefixForm.test(prefix)) {
      throw new ConfigurationError(
        "prefix must be 1 to 64 of the characters a-z, 0-9, _ and -; it keeps the keys of one repository apart from those of every other.",
      );
    }
    this.prefix = prefix;
    this.start = prefix + separator;
  }

  /**
   * The key of a record in the store.
   *
   * @throws {InvalidKeyError} For an empty key, and for one with half of a surrogate pair: UTF-8 has no bytes for it, and
   * two such keys would become one.
   */
  storedKey(key: string): string {
    requireUtf8Key(key);
    return this.start + key;
  }

  /** The record's key of a key in the store, or `undefined` where that belongs to another repository. */
  recordKey(storedKey: string): string | undefined {
    return storedKey.startsWith(this.start) ? storedKey.slice(this.start.length) : undefined;
  }

  /** What no key of this repository reaches in an order of bytes: the character after the separator in place of it. */
  get end(): string {
    return `${this.prefix};`;
  }

  /** The pattern for SCAN of Redis that matches the keys of this repository and no others: a prefix holds no wildcard. */
  get pattern(): string {
    return `${this.start}*`;
  }
}
