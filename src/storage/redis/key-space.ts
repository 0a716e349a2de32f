import { ConfigurationError, InvalidKeyError } from "../../errors.ts";

const separator = ":";
const prefixForm = /^[a-z0-9_-]{1,64}$/;
const loneSurrogate = /\p{Surrogate}/u;

/**
 * The Redis keys of one repository: its prefix, a colon, the record's key. A prefix cannot hold a colon, so the first
 * colon of a Redis key always ends the prefix, and no key of one repository is a key of another.
 *
 * @throws {ConfigurationError} Where the prefix is not 1 to 64 of `a-z`, `0-9`, `_` and `-`.
 *
 * @example
 * ```ts
 * new KeySpace("access-token").redisKey("a:b"); // "access-token:a:b"
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
   * The key in Redis of a record.
   *
   * @throws {InvalidKeyError} For an empty key, and for one with half of a surrogate pair: UTF-8 has no bytes for it, and
   * two such keys would become one.
   */
  redisKey(key: string): string {
    if (typeof key !== "string" || key === "") throw new InvalidKeyError("A key must be a string and not empty.");
    if (!isWellFormed(key)) {
      throw new InvalidKeyError("The key holds half of a surrogate pair, which has no form in UTF-8.");
    }
    return this.start + key;
  }

  /** The record's key of a key in Redis, or `undefined` where that belongs to another repository. */
  recordKey(redisKey: string): string | undefined {
    return redisKey.startsWith(this.start) ? redisKey.slice(this.start.length) : undefined;
  }

  /** What no key of this repository reaches in an order of bytes: the character after the separator in place of it. */
  get end(): string {
    return `${this.prefix};`;
  }

  /** The pattern for SCAN that matches the keys of this repository and no others: a prefix holds no wildcard. */
  get pattern(): string {
    return `${this.start}*`;
  }
}

/** True for text that UTF-8 can hold: every surrogate has its other half. */
export function isWellFormed(text: string): boolean {
  return !loneSurrogate.test(text);
}
