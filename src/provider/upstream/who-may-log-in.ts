import { OAuthError } from "../../errors.ts";
import type { UpstreamIdentity } from "./contract.ts";

/** Says whether a user may log in: only true lets one in, and a text is the reason why not. */
export type AllowUser<Asked> = (
  identity: UpstreamIdentity,
  asked: Asked,
) => boolean | string | Promise<boolean | string>;

/**
 * Lets in whom an upstream's `allow` answers with true. Any other answer refuses, also none at all: a function that forgets
 * to answer must not let everybody in.
 *
 * @throws {OAuthError} of `access_denied` when the user may not log in, with the reason that was answered.
 */
export async function requireAllowed<Asked>(
  allow: AllowUser<Asked> | undefined,
  identity: UpstreamIdentity,
  asked: Asked,
): Promise<void> {
  if (allow === undefined) return;
  const allowed: unknown = await allow(identity, asked);
  if (allowed === true) return;
  const reason = typeof allowed === "string" && allowed.trim() !== "" ? allowed : "You may not use this server.";
  throw new OAuthError("access_denied", reason);
}

/** Lets in whom both let in. The second one is asked only of those whom the first one lets in. */
export function bothAllow<Asked>(first: AllowUser<Asked>, second: AllowUser<Asked> | undefined): AllowUser<Asked> {
  if (second === undefined) return first;
  return async (identity, asked) => {
    const allowed = await first(identity, asked);
    return allowed === true ? second(identity, asked) : allowed;
  };
}
