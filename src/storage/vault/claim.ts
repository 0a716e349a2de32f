import { StorageUnavailableError } from "../../errors.ts";
import { tombstone } from "./tombstone.ts";
import type { VaultCalls } from "./vault-calls.ts";
import { VaultItemNotFoundError } from "./vault-failure.ts";
import type { VaultSecret } from "./vault-service.ts";

/** The pauses between looks at whether the winner has deleted the item, in milliseconds. */
const firstPause = 50;
const longestPause = 1_000;

/** What bounds the wait for the winner, and what a test replaces. */
export interface ClaimSettings {
  /** How long the winner may take to delete the item, in milliseconds. */
  readonly timeout: number;
  /** Waits, in milliseconds. */
  readonly delay: (milliseconds: number) => Promise<void>;
}

/**
 * Puts a tombstone right on top of the version that was read: only one caller can be the one that did that.
 *
 * @returns True for the winner, false where another caller has removed the record.
 * @throws `StorageUnavailableError` with an unknown effect where somebody wrote in between and nobody has removed the
 * record since. What was overwritten may have been a new value of a `set`, or this call's own claim: the SDK sends a
 * write again whose answer was a 502. That must not read as if there had been nothing.
 */
export async function claim(
  calls: VaultCalls,
  secret: VaultSecret,
  { timeout, delay }: ClaimSettings,
): Promise<boolean> {
  let version: number;
  try {
    version = await calls.rotate(secret.id, tombstone());
  } catch (failure) {
    if (failure instanceof VaultItemNotFoundError) return false;
    throw failure;
  }
  if (version === secret.version + 1) return true;
  for (
    let pause = firstPause, waited = 0;
    waited < timeout;
    waited += pause, pause = Math.min(2 * pause, longestPause)
  ) {
    if ((await calls.get(secret.id)) === undefined) return false;
    await delay(pause);
  }
  throw new StorageUnavailableError(
    "The record in Vault was written to while it was being taken: it is gone, and whether anybody got it is unknown.",
    { effect: "unknown" },
  );
}
