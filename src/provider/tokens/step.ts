import { OAuthError } from "../../errors.ts";
import { grantIdOf } from "../../records/keys.ts";
import type { KeyRing } from "../../secrets/key-ring.ts";
import { openOr } from "../../secrets/sealing.ts";
import { StepKey } from "../grants/grant-key.ts";
import type { GrantCredential } from "../oauth/grant-credential.ts";
import type { Reporter } from "../reporting/reporter.ts";
import type { Step } from "./successor-tokens.ts";

/**
 * Opens the keys that are wrapped under a credential.
 *
 * @throws {UnsealableError} when the keys were wrapped with a secret that is not configured here.
 * @throws {OAuthError} with `invalid_grant` when nothing will ever open them: the login cannot go on.
 */
export function openStep(
  { keys, reporter }: { readonly keys: KeyRing; readonly reporter: Reporter },
  credential: GrantCredential,
  wrappedKey: string | undefined,
): Step {
  const grantId = grantIdOf(credential.handle);
  return openOr(
    // A credential without its keys opens as little as one with altered ones.
    () => ({ ...credential, grantId, key: StepKey.unwrap(keys, grantId, credential.core, wrappedKey ?? "") }),
    (failure) => {
      if (failure.keyId !== undefined) throw failure;
      reporter.failure(failure);
      throw new OAuthError("invalid_grant", "The login cannot be opened any more; log in again.");
    },
  );
}
