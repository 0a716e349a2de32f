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
 *
 * @param reissuedUntil - Until when it is this one, in epoch seconds; undefined for a code, which has one access token only.
 */
export function successorAccessToken(step: Step, reissuedUntil?: number): string {
  const known = accessTokens.get(step);
  if (known !== undefined && known.reissuedUntil === reissuedUntil) return known.token;
  const { handle, core, key } = step;
  const period = reissuedUntil === undefined ? [] : [reissuedUntil];
  const token = formatAccessToken(handle, key.authenticate(JSON.stringify(["access token", core, ...period])));
  accessTokens.set(step, { token, reissuedUntil });
  return token;
}

/** The refresh token that is issued for a credential, without its mark. */
export function successorRefreshCore(step: Step): string {
  const known = refreshCores.get(step);
  if (known !== undefined) return known;
  const { handle, generation, core, key } = step;
  const secret = key.authenticate(JSON.stringify(["refresh token", core]));
  const derived = credentialCore("refresh_token", { handle, generation: generation + 1 }, secret);
  refreshCores.set(step, derived);
  return derived;
}

/** What was derived for a step, as long as the step itself is there: its record, its key in the store and the answer have it. */
const accessTokens = new WeakMap<Step, { readonly token: string; readonly reissuedUntil: number | undefined }>();
const refreshCores = new WeakMap<Step, string>();
