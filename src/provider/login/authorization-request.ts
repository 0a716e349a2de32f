import { type ClientAuthentication, ClientAuthenticationSchema } from "../../records/authorization-code.ts";
import { flag, optional, record, text, texts } from "../../records/record.ts";
import { type ClientRegistry, type KnownClient, portableAuthenticationOf } from "../clients/client-registry.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { isHarmfulRedirectUri, matchesRedirectUri } from "../oauth/redirect-uri.ts";
import { checkResource, requestedResource } from "../oauth/resource.ts";
import { narrowedScopes, offlineAccess, parseScope } from "../oauth/scopes.ts";
import { invalidRequest, refuseUnless } from "../oauth-failure.ts";
import { UnknownClientError } from "./unknown-client.ts";

/** The state is carried along in a cookie, with everything else that a login needs. So much of it always fits. */
const surelyFittingLength = 1024;
/** What the state may have together with a redirect URI that is shorter than such a one may be. */
const maxCarriedLength = 2000;

/** The parameters of an authorization request, as they came (RFC 6749 section 4.1.1, RFC 7636, RFC 8707). */
export interface AuthorizationRequestParameters {
  get(
    name:
      | `response_${"type" | "mode"}`
      | "scope"
      | "state"
      | `code_challenge${"" | "_method"}`
      | "prompt"
      | "login_hint"
      | "idp_hint",
  ): string | undefined;
  /** All values of a parameter that may be repeated. */
  getAll(name: "resource"): readonly string[];
}

/** An authorization request that has been checked. Of the client it has what the login needs later on. */
export interface AuthorizationRequest {
  readonly clientId: string;
  readonly client: ClientAuthentication;
  readonly redirectUri: string;
  readonly state?: string;
  readonly scopes: readonly string[];
  /** Whether the request asks for refresh tokens, by the scope `offline_access`, and gets them. */
  readonly offlineAccess?: true;
  readonly codeChallenge: string;
  readonly resource: string;
  /** True where the client named the resource. */
  readonly namesResource?: true;
}

/** An authorization request as it is carried along, sealed: in the page that asks for consent, in a login's cookie. */
export const AuthorizationRequestSchema = record<AuthorizationRequest>({
  clientId: text,
  client: ClientAuthenticationSchema,
  redirectUri: text,
  state: optional(text),
  scopes: texts,
  offlineAccess: optional(flag),
  codeChallenge: text,
  resource: text,
  namesResource: optional(flag),
});

/** What decides about the scopes of a request. */
type ScopeSettings = Pick<ProviderConfiguration, "registration" | "scopeHierarchy" | "scopes">;

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
  const trusted = { client, redirectUri: ownRedirectUri(client, redirectUri) };
  if (isHarmfulRedirectUri(trusted.redirectUri))
    throw invalidRequest("The redirect_uri has a scheme that is not served.");
  return trusted;
}

/** The redirect URI that the request names, or the only one that the client has. */
function ownRedirectUri(client: KnownClient, redirectUri: string | undefined): string {
  const registered = client.information.redirect_uris;
  if (redirectUri === undefined) {
    const [only, ...others] = registered;
    if (only !== undefined && others.length === 0) return only;
    throw invalidRequest("The request names no redirect_uri, and the client has several.");
  }
  if (!matchesRedirectUri(registered, redirectUri, client.normalisedRedirectUris)) {
    throw invalidRequest("The redirect_uri is not one that the client has registered.");
  }
  return redirectUri;
}

/**
 * Checks everything else about an authorization request.
 *
 * @throws {OAuthError} when the request is refused; the error may be sent to the redirect URI.
 */
export function checkAuthorizationRequest(
  configuration: ScopeSettings & Pick<ProviderConfiguration, "resource">,
  trusted: TrustedRedirect,
  parameters: AuthorizationRequestParameters,
): AuthorizationRequest {
  const [responseType, responseMode = "query"] = [parameters.get("response_type"), parameters.get("response_mode")];
  const [scope, state] = [parameters.get("scope"), parameters.get("state")];
  const resource = requestedResource(configuration.resource, parameters.getAll("resource"));
  const codeChallenge = parameters.get("code_challenge");
  if (responseType === undefined) throw invalidRequest("response_type is missing.");
  const isServed = responseType === "code";
  refuseUnless(isServed, "unsupported_response_type", "This server answers response_type=code only.");
  if (responseMode !== "query") throw invalidRequest("This server answers response_mode=query only.");
  if (codeChallenge === undefined) throw invalidRequest("code_challenge is missing; use PKCE.");
  if (parameters.get("code_challenge_method") !== "S256") throw invalidRequest("code_challenge_method must be S256.");
  const isDigest = /^[A-Za-z0-9_-]{43}$/.test(codeChallenge);
  if (!isDigest) throw invalidRequest("code_challenge must be 43 base64url characters.");
  const { client, redirectUri } = trusted;
  const room = Math.max(surelyFittingLength, maxCarriedLength - redirectUri.length);
  const isTooLong = state !== undefined && state.length > room;
  if (isTooLong) throw invalidRequest(`state may have ${room} characters at the most, beside this redirect_uri.`);
  return {
    clientId: client.information.client_id,
    client: portableAuthenticationOf(client),
    redirectUri,
    ...(state !== undefined && { state }),
    ...grantedScopes(configuration, client, scope),
    codeChallenge,
    resource: checkResource(configuration.resource, resource),
    ...(resource !== undefined && { namesResource: true }),
  };
}

/**
 * The scopes that a request gets: those it names, as far as there are any that its client may have. A request that names
 * none of those gets what its client has registered for, or the defaults.
 *
 * What a client has registered for is no limit: clients register the scope of their first 401 and ask for more after a 403
 * (MCP specification, step-up authorization). The limit is the server's, or the list of a client that an operator has
 * configured. The person is shown what is given, and says yes or no to that.
 *
 * `offline_access` opens nothing by itself. It gives refresh tokens to a client that has not registered for them, unless an
 * operator has configured the client without them.
 */
function grantedScopes(
  { scopes, scopeHierarchy, registration }: ScopeSettings,
  { information, source }: KnownClient,
  scope: string | undefined,
): Pick<AuthorizationRequest, "scopes" | "offlineAccess"> {
  const { scope: registeredScope, grant_types: grantTypes = [] } = information;
  const registered = parseScope(registeredScope);
  const isListed = source === "configured" && registeredScope !== undefined;
  const served = source === "configured" ? scopes : registration.validScopes;
  const allowed = isListed ? scopeHierarchy.withImplied(registered.filter((value) => served.includes(value))) : served;
  const defaults = narrowedScopes(registered, allowed, isListed ? [] : registration.defaultScopes);
  const named = parseScope(scope);
  const asked = named.some((value) => value === offlineAccess || allowed.includes(value)) ? named : registered;
  const mayStay = source !== "configured" || registered.includes(offlineAccess) || grantTypes.includes("refresh_token");
  return {
    scopes: narrowedScopes(asked, allowed, defaults),
    ...(mayStay && asked.includes(offlineAccess) && { offlineAccess: true }),
  };
}
