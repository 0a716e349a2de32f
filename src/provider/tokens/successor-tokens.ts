import type { StepKey } from "../grants/grant-key.ts";
import { credentialCore, formatAccessToken, type GrantCredential } from "../oauth/grant-credential.ts";

/** A code or a refresh token that is redeemed, and the keys that it opens. */
export interface Step extends GrantCredential {
  readonly grantId: string;
  readonly key: StepKey;
}

/**
 * The access token that is issued for a credential. Like the refresh token, it follows from the credential and its key. So
 * every instance, every repetition and every new attempt after a failure issues the same one, and an answer that was lost
 * can be given again though it is kept nowhere.
 */
export function successorAccessToken({ handle, core, key }: Step): string {
  return formatAccessToken(handle, key.authenticate(JSON.stringify(["access token", core])));
}

/** The refresh token that is issued for a credential, without its mark. */
export function successorRefreshCore({ handle, generation, core, key }: Step): string {
  const secret = key.authenticate(JSON.stringify(["refresh token", core]));
  return credentialCore("refresh_token", { handle, generation: generation + 1 }, secret);
}
