import { StorageUnavailableError } from "../../errors.ts";
import { type PauseSettings, pauses } from "./pauses.ts";
import { tombstone } from "./tombstone.ts";
import type { VaultCalls } from "./vault-calls.ts";
import type { VaultSecret } from "./vault-service.ts";

/**
 * Puts a tombstone right on top of the version that was read: only one caller can be the one that did that.
 *
 * @returns True for the winner, false where another caller has removed the record.
 * @throws {StorageUnavailableError} with an unknown effect when somebody wrote in between and nobody has removed the
 * record since. What was overwritten may have been a new value of a `set`, or this call's own claim: the SDK sends a
 * write again whose answer was a 502. That must not read as if there had been nothing.
 */
export async function claim(
  calls: VaultCalls,
  { id, version }: Pick<VaultSecret, "id" | "version">,
  settings: PauseSettings,
): Promise<boolean> {
  const written = await calls.rotate(id, tombstone());
  if (written === undefined) return false;
  if (written === version + 1) return true;
  for await (const _ of pauses(settings)) if ((await calls.get(id)) === undefined) return false;
  throw new StorageUnavailableError(
    "The record in Vault was written to while it was being taken: it is gone, and whether anybody got it is unknown.",
    { effect: "unknown" },
  );
}
