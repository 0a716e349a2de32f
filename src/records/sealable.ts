import type { KeyRing } from "../secrets/key-ring.ts";

/** The name of the method by which repositories without keys get those of their provider. */
export const sealWith: unique symbol = Symbol("sealWith");

/** Repositories that were built without keys, and seal their records once they get some. */
export interface Sealable {
  /** @throws {ConfigurationError} when they have other keys, or have kept records in plain text already. */
  [sealWith](keys: KeyRing): void;
}

/** Gives keys to repositories that wait for them. Others stay as they are. */
export function sealUnsealed(repositories: object, keys: KeyRing): void {
  if (isSealable(repositories)) repositories[sealWith](keys);
}

function isSealable(repositories: object): repositories is Sealable {
  return sealWith in repositories && typeof repositories[sealWith] === "function";
}
