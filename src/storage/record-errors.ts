import { CorruptRecordError, InvalidRecordError } from "../errors.ts";
import { tokenKey } from "../secrets/storage-key.ts";
import type { RecordLocation } from "./codecs/codec.ts";

/** The one error for everything that is wrong with what is stored. It names the key by its hash. */
export function corruptRecord({ key, repository }: RecordLocation, reason: string): CorruptRecordError {
  return new CorruptRecordError(
    `The record with the key ${tokenKey(key)} in ${repository} cannot be read: ${reason}. Delete it.`,
  );
}

/** The one error for everything that is wrong with what is to be written. Nothing of the value is in it. */
export function invalidRecord({ repository }: RecordLocation, reason: string): InvalidRecordError {
  return new InvalidRecordError(`The value for ${repository} cannot be written: ${reason}.`);
}
