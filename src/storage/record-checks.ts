import { InvalidKeyError, InvalidRecordError } from "../errors.ts";
import { frozenCopy } from "./freeze.ts";

/** @throws {InvalidKeyError} when it is the empty string, or no string. */
export function requireKey(key: unknown): void {
  if (typeof key !== "string" || key === "") throw new InvalidKeyError("A key must be a string that is not empty.");
}

const loneSurrogate = /\p{Surrogate}/u;

/**
 * What a store of UTF-8 needs of a key.
 *
 * @throws {InvalidKeyError} when it is the empty string or no string, or has half of a surrogate pair: UTF-8 has no bytes for
 * it, and two such keys would become one.
 */
export function requireUtf8Key(key: unknown): void {
  if (typeof key === "string" && key !== "" && !loneSurrogate.test(key)) return;
  requireKey(key);
  throw new InvalidKeyError("The key holds half of a surrogate pair, which has no form in UTF-8.");
}

/**
 * What a store of UTF-8 needs of a record's text.
 *
 * @throws {InvalidRecordError} when it has half of a surrogate pair.
 */
export function requireUtf8Text(text: string): void {
  if (!loneSurrogate.test(text)) return;
  throw new InvalidRecordError("The encoded record holds half of a surrogate pair, which has no form in UTF-8.");
}

/**
 * A record as it is kept where values are not encoded: a frozen copy.
 *
 * @throws {InvalidRecordError} when the value is `undefined`, which stands for no record, or cannot be copied.
 */
export function frozenRecord<V>(value: V): V {
  if (value === undefined) throw new InvalidRecordError("undefined is not a record; use delete to remove one.");
  return frozenCopy(value);
}
