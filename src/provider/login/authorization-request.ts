import { type ClientAuthentication, ClientAuthenticationSchema } from "../../records/authorization-code.ts";
import { optional, record, text, texts } from "../../records/record.ts";
import { type ClientRegistry, type KnownClient, portableAuthenticationOf } from "../clients/client-registry.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { matchesRedirectUri } from "../oauth/redirect-uri.ts";
import { checkResource } from "../oauth/resource.ts";
import { offlineAccess, parseScope, scopesBeyond } from "../oauth/scopes.ts";
import { invalidRequest, refuseUnless } from "../oauth-failure.ts";
import { UnknownClientError } from "./unknown-client.ts";

/** It is carried along in a cookie, with everything else that a login needs. */
const maxStateLength = 1024;

/** The parameters of an authorization request, as they came (RFC 6749 section 4.1.1, RFC 7636, RFC 8707). */
export interface AuthorizationRequestParameters {
  get(
    name: `response_${"type" | "mode"}` | "scope" | "state" | `code_challenge${"" | "_method"}` | "resource",
  ): string | undefined;
}

/** An authorization request that has been checked. Of the client it has what the login needs later on. */
export interface AuthorizationRequest {
  readonly clientId: string;
  readonly client: ClientAuthentication;
  readonly redirectUri: string;
  readonly state?: string;
  readonly scopes: readonly string[];
  readonly codeChallenge: string;
  readonly resource: string;
}

/** An authorization request as it is carried along, sealed: in the page that asks for consent, in a login's cookie. */
export const AuthorizationRequestSchema = record<AuthorizationRequest>({
  clientId: text,
  client: ClientAuthenticationSchema,
  redirectUri: text,
  state: optional(text),
  scopes: texts,
  codeChallenge: text,
  resource: text,
});

/** A client and a redirect URI of its own, to which errors may be sent. */
export interface TrustedRedirect {
  readonly client: KnownClient;
  readonly redirectUri: string;
}

/**
 * Finds the client and settles the redirect URI. Until this has succeeded an error must be shown, never redirected.
 *
 * @throws {OAuthError} with `invalid_client` or `invalid_request` when the client or its redirect URI is not known.
 */
export async function trustRedirectUri(
  registry: Pick<ClientRegistry, "find">,
  clientId: string | undefined,
  redirectUri: string | undefined,
): Promise<TrustedRedirect> {
  if (clientId === undefined) throw invalidRequest("The request names no client_id.");
  const client = await registry.find(clientId);
  if (client === undefined) throw new UnknownClientError(clientId);
  const registered = client.information.redirect_uris;
  if (redirectUri === undefined) {
    const [only, ...others] = registered;
    if (only === undefined || others.length > 0) {
      throw invalidRequest("The request names no redirect_uri, and the client has several.");
    }
    return { client, redirectUri: only };
  }
  if (!matchesRedirectUri(registered, redirectUri, client.normalisedRedirectUris)) {
    throw invalidRequest("The redirect_uri is not one that the client has registered.");
  }
  return { client, redirectUri };
}

/**
 * Checks everything else about an authorization request.
 *
 * @throws {OAuthError} when the request is refused; the error may be sent to the redirect URI.
 */
export function checkAuthorizationRequest(
  configuration: Pick<ProviderConfiguration, "registration" | "resource" | "scopes">,
  trusted: TrustedRedirect,
  parameters: AuthorizationRequestParameters,
): AuthorizationRequest {
  const [responseType, responseMode = "query"] = [parameters.get("response_type"), parameters.get("response_mode")];
  const [scope, state, resource] = [parameters.get("scope"), parameters.get("state"), parameters.get("resource")];
  const codeChallenge = parameters.get("code_challenge");
  if (responseType === undefined) throw invalidRequest("response_type is missing.");
  const isServed = responseType === "code";
  refuseUnless(isServed, "unsupported_response_type", "This server answers response_type=code only.");
  if (responseMode !== "query") throw invalidRequest("This server answers response_mode=query only.");
  if (codeChallenge === undefined) throw invalidRequest("code_challenge is missing; use PKCE.");
  if (parameters.get("code_challenge_method") !== "S256") throw invalidRequest("code_challenge_method must be S256.");
  const isDigest = /^[A-Za-z0-9_-]{43}$/.test(codeChallenge);
  if (!isDigest) throw invalidRequest("code_challenge must be 43 base64url characters.");
  const isTooLong = state !== undefined && state.length > maxStateLength;
  if (isTooLong) throw invalidRequest(`state may have ${maxStateLength} characters at the most.`);
  const { client, redirectUri } = trusted;
  return {
    clientId: client.information.client_id,
    client: portableAuthenticationOf(client),
    redirectUri,
    ...(state !== undefined && { state }),
    scopes: grantedScopes(configuration, client, scope),
    codeChallenge,
    resource: checkResource(configuration.resource, resource),
  };
}

/**
 * The scopes that a request gets: those it names, or what its client has registered for, or the defaults.
 * `offline_access` is understood and opens nothing: refresh tokens depend on the client's grant types.
 */
function grantedScopes(
  { scopes, registration }: Pick<ProviderConfiguration, "registration" | "scopes">,
  client: KnownClient,
  scope: string | undefined,
): readonly string[] {
  const registered = client.information.scope;
  const unnamed = client.source === "configured" ? scopes : registration.validScopes;
  const allowed = registered === undefined ? unnamed : parseScope(registered);
  const requested = parseScope(scope).filter((value) => value !== offlineAccess);
  if (requested.length === 0) {
    const defaults = registered === undefined ? registration.defaultScopes : allowed;
    return defaults.filter((value) => scopes.includes(value));
  }
  const isServed = scopesBeyond(requested, scopes).length === 0;
  refuseUnless(isServed, "invalid_scope", `This server has the scopes: ${scopes.join(" ")}.`);
  const isAllowed = scopesBeyond(requested, allowed).length === 0;
  refuseUnless(isAllowed, "invalid_scope", "The client asks for a scope that it has not registered for.");
  return requested;
}
