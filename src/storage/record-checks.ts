import { InvalidKeyError, InvalidRecordError } from "../errors.ts";
import { frozenCopy } from "./freeze.ts";

/** @throws {InvalidKeyError} when it is the empty string, or no string. */
export function requireKey(key: unknown): void {
  if (typeof key !== "string" || key === "") throw new InvalidKeyError("A key must be a string that is not empty.");
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
