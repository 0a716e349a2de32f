import { ConfigurationError, OAuthError } from "../../errors.ts";
import { type OptionKinds, requireExactText, requireOptions, requireThat } from "../../option-checks.ts";
import { minSecretLength } from "../../secrets/key-ring.ts";
import { parseKeySet } from "../oauth/key-set.ts";
import { assertUsableRedirectUri } from "../oauth/redirect-uri.ts";
import { offlineAccess, requireScopesAmong } from "../oauth/scopes.ts";
import type { PreRegisteredClient } from "./client-options.ts";

const clientKinds: OptionKinds<PreRegisteredClient> = {
  client_id: "any",
  redirect_uris: "any",
  token_endpoint_auth_method: "any",
  grant_types: "any",
  response_types: "any",
  scope: "text",
  client_name: "text",
  client_uri: "text",
  logo_uri: "text",
  contacts: "any",
  tos_uri: "text",
  policy_uri: "text",
  jwks_uri: "any",
  jwks: "any",
  software_id: "text",
  software_version: "text",
  application_type: "text",
  client_secret: "any",
  client_secret_expires_at: "any",
  client_id_issued_at: "any",
};

const methods: readonly unknown[] = [undefined, "none", "client_secret_basic", "client_secret_post", "private_key_jwt"];

/**
 * Checks the clients that the options name, and finds them by their ids.
 *
 * @param scopes - All that the server knows.
 * @throws {ConfigurationError} when a client breaks a rule; the message names both. A client whose secret is missing is
 * refused: it would pass as a public one.
 */
export function preRegisteredClients(
  clients: readonly PreRegisteredClient[],
  scopes: readonly string[],
): ReadonlyMap<string, PreRegisteredClient> {
  const known = new Map<string, PreRegisteredClient>();
  for (const client of clients) {
    requireOptions("a client", client, clientKinds, "clients[]");
    const id = requireExactText("clients[].client_id", client.client_id);
    requireThat(!known.has(id), `clients lists the client_id "${id}" twice.`);
    checkRedirectUris(id, client);
    checkAuthentication(id, client);
    checkUse(id, client, scopes);
    known.set(id, client);
  }
  return known;
}

function checkRedirectUris(id: string, { redirect_uris: uris }: PreRegisteredClient): void {
  requireThat(Array.isArray(uris) && uris.length > 0, `clients: "${id}" needs at least one entry in redirect_uris.`);
  for (const uri of uris) {
    try {
      const name = `clients: a redirect URI in redirect_uris of "${id}"`;
      const given = requireExactText(name, uri);
      const isOne = !/[,;]\s*[a-z][a-z0-9+.-]*:\/\//i.test(given);
      requireThat(isOne, `${name} has several in it, with commas between them: give each by itself.`);
      assertUsableRedirectUri(given);
    } catch (cause) {
      if (!(cause instanceof OAuthError)) throw cause;
      throw new ConfigurationError(`clients: "${id}": ${cause.message}`, { cause });
    }
  }
}

/** What a client may ask for, and until when. One that could never log in is a mistake. */
function checkUse(id: string, client: PreRegisteredClient, scopes: readonly string[]): void {
  const { client_secret_expires_at: expiresAt = 0, grant_types: grants, response_types: responses, scope } = client;
  const named = scope?.split(" ").filter((value) => value !== "");
  requireScopesAmong([...scopes, offlineAccess], `clients: "${id}": scope`, named ?? []);
  for (const [name, given, needed] of [
    ["grant_types", grants, "authorization_code"],
    ["response_types", responses, "code"],
  ] as const) {
    const isUsable = given === undefined || (Array.isArray(given) && given.includes(needed));
    requireThat(isUsable, `clients: "${id}" needs ${needed} among its ${name}: nothing else is served.`);
  }
  const isTime = expiresAt === 0 || (Number.isSafeInteger(expiresAt) && expiresAt > 1e9 && expiresAt < 1e11);
  const rule = "must be 0, or a time in seconds since the epoch";
  requireThat(isTime, `clients: "${id}": client_secret_expires_at ${rule}.`);
}

function checkAuthentication(id: string, client: PreRegisteredClient): void {
  const { token_endpoint_auth_method: method, client_secret: secret } = client;
  const refuse = (rule: string): never => {
    throw new ConfigurationError(`clients: "${id}" ${rule}.`);
  };
  if (!methods.includes(method)) refuse("has a token_endpoint_auth_method that is not served");
  const hasSecret = typeof secret === "string" && secret !== "";
  if ("client_secret" in client && !hasSecret) refuse("has a client_secret that is not a string with something in it");
  if (hasSecret) requireExactText(`clients: client_secret of "${id}"`, secret);
  if (hasSecret && secret === id) refuse("has its client_id for a client_secret, and an id is public");
  if (hasSecret && secret.length < minSecretLength) {
    refuse(`has a client_secret of fewer than ${minSecretLength} characters; take one from a random source`);
  }
  if (method?.startsWith("client_secret_") && !hasSecret) refuse(`needs a client_secret for ${method}`);
  if (method === "none" && hasSecret) refuse("has a client_secret, so its token_endpoint_auth_method is not none");
  if (method === "private_key_jwt" && client.jwks_uri === undefined && parseKeySet(client.jwks) === undefined) {
    refuse("needs its public keys, as jwks or jwks_uri, for private_key_jwt");
  }
  if (client.jwks_uri !== undefined && !(URL.canParse(client.jwks_uri) && client.jwks_uri.startsWith("https://"))) {
    refuse("has a jwks_uri that is not an https URL");
  }
}
