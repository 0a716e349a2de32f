import type { KeyRing } from "../secrets/key-ring.ts";

/** The name of the method by which repositories without keys get those of their provider. */
export const sealWith: unique symbol = Symbol("sealWith");

/** The name of the method by which repositories whose records stay as they are get their provider's keys for the labels. */
export const labelWith: unique symbol = Symbol("labelWith");

/** Repositories that were built without keys, and seal their records once they get some. */
export interface Sealable {
  /** @throws {ConfigurationError} when they have other keys, or have kept records in plain text already. */
  [sealWith](keys: KeyRing): void;
}

/** Repositories that were built without keys, and can find records by an index once they get some. */
export interface Labelable {
  [labelWith](keys: KeyRing): void;
}

/** Gives keys to repositories that wait for them. Others stay as they are. */
export function giveKeys(repositories: object, keys: KeyRing): void {
  if (isSealable(repositories)) repositories[sealWith](keys);
  if (isLabelable(repositories)) repositories[labelWith](keys);
}

function isSealable(repositories: object): repositories is Sealable {
  return sealWith in repositories && typeof repositories[sealWith] === "function";
}

function isLabelable(repositories: object): repositories is Labelable {
  return labelWith in repositories && typeof repositories[labelWith] === "function";
}
