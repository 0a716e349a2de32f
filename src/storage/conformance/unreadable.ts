import assert from "node:assert/strict";

/** True for the error of a stored value that is no record, or that cannot be opened. */
export function isUnreadable(error: unknown): boolean {
  return error instanceof Error && "code" in error && /^ERR_(CORRUPT_RECORD|UNSEALABLE)$/.test(String(error.code));
}

/** @throws {AssertionError} when an add failed for another reason than that the record cannot be read. */
export function requireUnreadable(error: unknown): false {
  assert.ok(isUnreadable(error), "a failure of add is the one of get");
  return false;
}
