import { CorruptRecordError, InvalidRecordError, UnsealableError } from "../errors.ts";
import { tokenKey } from "../secrets/storage-key.ts";
import type { RecordLocation } from "./codecs/codec.ts";

/** The one error for everything that is wrong with what is stored. It names the key by its hash. */
export function corruptRecord({ key, repository }: RecordLocation, reason: string): CorruptRecordError {
  return new CorruptRecordError(
    `The record with the key ${tokenKey(key)} in ${repository} cannot be read: ${reason}. Delete it.`,
  );
}

/** The error for a record that is sealed, where the repository has no keys. It may be as good as new. */
export function sealedRecord({ key, repository }: RecordLocation, keyId: string): UnsealableError {
  return new UnsealableError(
    `The record with the key ${tokenKey(key)} in ${repository} is sealed under the key ${keyId}, and this repository has no keys: give it those that it was written with.`,
    { keyId },
  );
}

/** The one error for everything that is wrong with what is to be written. Nothing of the value is in it. */
export function invalidRecord({ repository }: RecordLocation, reason: string): InvalidRecordError {
  return new InvalidRecordError(`The value for ${repository} cannot be written: ${reason}.`);
}

/** What something is called that a function of somebody else has thrown: its message may quote a record. */
export function nameOfThrown(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.name) : typeof thrown;
  } catch {
    // A proxy can be made that throws whatever is asked of it.
    return "something that cannot be looked at";
  }
}
