import type { CallbackParameters } from "../login/upstream-login.ts";
import { invalidRequest } from "../oauth-failure.ts";
import { OAuthParameters } from "./request-body.ts";

/** What an issuer may have, in characters: it is a URL that somebody has written down. */
const maxIssuerLength = 2048;

/**
 * What a browser brings back from an upstream (RFC 6749 section 4.1.2, RFC 9207), whatever the login is for.
 *
 * @param upstream - The id of the upstream whose callback this is.
 * @throws {OAuthError} with `invalid_request` when there is no state, a parameter is repeated, or `iss` is too long for an
 * issuer.
 */
export function readUpstreamAnswer(request: Request, upstream: string): CallbackParameters {
  const parameters = new OAuthParameters(new URL(request.url).searchParams);
  const state = parameters.get("state");
  if (state === undefined) throw invalidRequest("The login came back without its state.");
  const [code, error, issuer] = [parameters.get("code"), parameters.get("error"), parameters.get("iss")];
  if (issuer !== undefined && issuer.length > maxIssuerLength) throw invalidRequest("iss is too long for an issuer.");
  return { upstream, state, code, error, issuer };
}
