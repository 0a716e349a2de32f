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
export function successorAccessToken(step: Step): string {
  return onceFor(step, accessTokens, ({ handle, core, key }) =>
    formatAccessToken(handle, key.authenticate(JSON.stringify(["access token", core]))),
  );
}

/** The refresh token that is issued for a credential, without its mark. */
export function successorRefreshCore(step: Step): string {
  return onceFor(step, refreshCores, ({ handle, generation, core, key }) => {
    const secret = key.authenticate(JSON.stringify(["refresh token", core]));
    return credentialCore("refresh_token", { handle, generation: generation + 1 }, secret);
  });
}

/** What was derived for a step, as long as the step itself is there: its record, its key in the store and the answer have it. */
const accessTokens = new WeakMap<Step, string>();
const refreshCores = new WeakMap<Step, string>();

function onceFor(step: Step, derived: WeakMap<Step, string>, derive: (step: Step) => string): string {
  const known = derived.get(step);
  if (known !== undefined) return known;
  const text = derive(step);
  derived.set(step, text);
  return text;
}
