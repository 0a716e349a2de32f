import { StorageFailure } from "../../errors.ts";

/** True for a failure that does not say whether the write took effect. A read may tell. */
export function isUnknown(failure: unknown): boolean {
  return failure instanceof StorageFailure && failure.effect === "unknown";
}
