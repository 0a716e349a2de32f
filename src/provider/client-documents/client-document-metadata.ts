import { OAuthError } from "../../errors.ts";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import type { DocumentAuthenticationMethod } from "../configuration/client-documents-options.ts";
import { parseClientMetadata } from "../oauth/client-metadata.ts";
import { hasPrivateKeys, isKeySetUrl, parseKeySet } from "../oauth/key-set.ts";
import { parseJson } from "../oauth/parse-json.ts";
import { parseScope } from "../oauth/scopes.ts";
import { documentRefused } from "./document-failure.ts";

/** What this server offers to the clients whose documents it reads. */
export interface DocumentRules {
  readonly scopes: { readonly valid: readonly string[]; readonly defaults: readonly string[] };
  readonly authenticationMethods: readonly DocumentAuthenticationMethod[];
  /** The schemes of applications that redirect URIs may have, beyond those that are known. Default: none. */
  readonly privateUseSchemes?: readonly string[];
}

/**
 * Reads a Client ID Metadata Document (draft-ietf-oauth-client-id-metadata-document-02 section 4, and the members that
 * the MCP specification requires: `client_id`, `client_name`, `redirect_uris`).
 *
 * One document is written for all servers, so what this server does not offer is left out where the client can do
 * without: unknown members, grant types and scopes, and authentication methods where
 * `token_endpoint_auth_methods_supported` (OpenID Connect Relying Party Metadata Choices 1.0) names one that is offered.
 *
 * @throws {OAuthError} with `invalid_client` when the document breaks a rule; the message names the member, not its content.
 *
 * @example
 * ```ts
 * const information = parseClientDocument("https://app.example/client.json", text, rules);
 * ```
 */
export function parseClientDocument(clientId: string, text: string, rules: DocumentRules): OAuthClientInformation {
  const document = parseObject(text);
  if (document.get("client_id") !== clientId) throw documentRefused("must have its own URL as its client_id");
  for (const member of ["client_secret", "client_secret_expires_at"]) {
    if (isPresent(document.get(member))) throw documentRefused(`must not have ${member}`);
  }
  // Draft section 4.1: no private key material, whatever the authentication method.
  if (hasPrivateKeys(document.get("jwks"))) throw documentRefused("must not have private keys in its jwks");
  const name = document.get("client_name");
  if (typeof name !== "string" || name.trim() === "") throw documentRefused("must have a client_name");

  const method = authenticationMethod(document, rules.authenticationMethods);
  return {
    ...registrable(document, rules),
    client_id: clientId,
    token_endpoint_auth_method: method,
    ...(method === "private_key_jwt" && publicKeys(document)),
  };
}

function parseObject(text: string): ReadonlyMap<string, unknown> {
  const value = parseJson(text);
  if (value === undefined) throw documentRefused("must be JSON");
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw documentRefused("must be a JSON object");
  }
  // A map: a member called __proto__ is a member like any other.
  return new Map(Object.entries(value));
}

/** The members that a client could register as well, under the same rules (RFC 7591 section 2). */
function registrable(
  document: ReadonlyMap<string, unknown>,
  { scopes, privateUseSchemes }: DocumentRules,
): ReturnType<typeof parseClientMetadata> {
  const members = new Map(document);
  members.delete("token_endpoint_auth_method");
  try {
    const scope = members.get("scope");
    const offered = typeof scope === "string" ? parseScope(scope).filter((item) => scopes.valid.includes(item)) : [];
    if (typeof scope === "string") members.set("scope", offered.join(" "));
    return parseClientMetadata(Object.fromEntries(members), scopes, privateUseSchemes);
  } catch (failure) {
    if (!(failure instanceof OAuthError)) throw failure;
    throw documentRefused(`breaks a rule of registrations: ${failure.message.replace(/\.$/, "")}`, failure);
  }
}

function authenticationMethod(
  document: ReadonlyMap<string, unknown>,
  offered: readonly DocumentAuthenticationMethod[],
): DocumentAuthenticationMethod {
  const choices = document.get("token_endpoint_auth_methods_supported");
  const wanted = document.get("token_endpoint_auth_method");
  // RFC 7591 would have an absent method mean a secret, which a document cannot have.
  const methods = isPresent(wanted) ? [wanted] : Array.isArray(choices) ? [] : ["none"];
  const candidates: readonly unknown[] = Array.isArray(choices) ? [...methods, ...choices] : methods;
  const method = candidates.map((candidate) => offered.find((item) => item === candidate)).find(isPresent);
  if (method !== undefined) return method;
  throw documentRefused(`must have a token_endpoint_auth_method that is offered here: ${offered.join(", ")}`);
}

function publicKeys(document: ReadonlyMap<string, unknown>): Pick<OAuthClientInformation, "jwks" | "jwks_uri"> {
  const [jwks, uri] = [document.get("jwks"), document.get("jwks_uri")];
  // As at a registration: of both the address counts, whose keys can be replaced.
  if (typeof uri === "string" && isKeySetUrl(uri)) return { jwks_uri: uri };
  const keySet = parseKeySet(jwks);
  if (keySet !== undefined) return { jwks: keySet };
  throw documentRefused(
    "must have a set of public RSA, EC or OKP keys as jwks, or an https URL of one as jwks_uri, for private_key_jwt",
  );
}

function isPresent(value: unknown): boolean {
  return value !== undefined && value !== null;
}
