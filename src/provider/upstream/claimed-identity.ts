import { UpstreamRejectedError } from "../../errors.ts";
import type { UpstreamIdentity } from "./contract.ts";

/** What an identity provider says of a user, by the names of OpenID Connect or of its own. */
export type UserClaims = Readonly<Record<string, unknown>>;

/** The claims that say who the user is. */
export interface IdentityClaims {
  readonly subject?: string;
  readonly username?: string;
  readonly email?: string;
}

/**
 * Who a user is, by what the provider says.
 *
 * @param name - The upstream's, for messages.
 * @throws {UpstreamRejectedError} with `server_error` when the claims do not say it.
 */
export function claimedIdentity(
  claims: UserClaims,
  { subject = "sub", username = "preferred_username", email = "email" }: IdentityClaims,
  name: string,
): UpstreamIdentity {
  // An address that nobody has verified may be anybody's, whatever it is taken for.
  const known = claims.email_verified === true ? claims : { ...claims, email: undefined };
  const texts = { subject: textOf(known[subject]), username: textOf(known[username]), email: textOf(known[email]) };
  if (texts.subject === undefined) {
    const advice = `Map another claim of openIdConnect: claims.subject; ${subject} is missing.`;
    throw new UpstreamRejectedError("server_error", `${name} does not say who has logged in.`, { advice });
  }
  return {
    subject: texts.subject,
    ...(texts.username !== undefined && { username: texts.username }),
    ...(texts.email !== undefined && { email: texts.email }),
  };
}

function textOf(claim: unknown): string | undefined {
  return typeof claim === "string" && claim.trim() !== "" ? claim : undefined;
}
