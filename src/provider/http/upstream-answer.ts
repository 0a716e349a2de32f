import type { CallbackParameters } from "../login/upstream-login.ts";
import { invalidRequest } from "../oauth-failure.ts";
import { OAuthParameters } from "./request-body.ts";

/**
 * What a browser brings back from an upstream (RFC 6749 section 4.1.2, RFC 9207), whatever the login is for.
 *
 * @param upstream - The id of the upstream whose callback this is.
 * @throws {OAuthError} with `invalid_request` when there is no state, or a parameter is repeated.
 */
export function readUpstreamAnswer(request: Request, upstream: string): CallbackParameters {
  const parameters = new OAuthParameters(new URL(request.url).searchParams);
  const state = parameters.get("state");
  if (state === undefined) throw invalidRequest("The login came back without its state.");
  const [code, error, issuer] = [parameters.get("code"), parameters.get("error"), parameters.get("iss")];
  return { upstream, state, code, error, issuer };
}
