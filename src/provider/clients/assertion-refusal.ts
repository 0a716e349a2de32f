import { OAuthError } from "../../errors.ts";

/** The signatures that are accepted: asymmetric ones only. */
export const assertionAlgorithms: readonly string[] =
  "ES256 ES384 ES512 PS256 PS384 PS512 RS256 RS384 RS512 EdDSA Ed25519".split(" ");

/**
 * The error for an assertion that breaks a rule.
 *
 * @param rule - Follows "The client_assertion".
 */
export function refusedAssertion(rule: string, cause?: unknown): OAuthError {
  return new OAuthError("invalid_client", `The client_assertion ${rule}.`, cause === undefined ? {} : { cause });
}
