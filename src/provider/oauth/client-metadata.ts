import { z } from "zod";
import { OAuthError } from "../../errors.ts";
import { refuseUnless } from "../oauth-failure.ts";
import { fitMetadata } from "./fit-metadata.ts";
import { hasPrivateKeys, isKeySetUrl, parseKeySet } from "./key-set.ts";
import { assertRegistrableRedirectUri } from "./redirect-uri.ts";
import { narrowedScopes, offlineAccess, parseScope } from "./scopes.ts";

/** A person reads the name on the consent page. */
const maxNameLength = 200;
const shortText = z.string().min(1).max(512);
const webPage = z
  .string()
  .max(2048)
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), "must be an http(s) URL");

/** Members that nothing here depends on. What is no good among them is left out, and is never a reason to refuse. */
const dispensable = {
  client_uri: webPage.exactOptional(),
  logo_uri: webPage.exactOptional(),
  tos_uri: webPage.exactOptional(),
  policy_uri: webPage.exactOptional(),
  contacts: z.array(shortText).min(1).max(10).exactOptional(),
  software_id: shortText.exactOptional(),
  software_version: shortText.exactOptional(),
  application_type: z.enum(["native", "web"]).exactOptional(),
};
const dispensableSchema = z.object(dispensable);

const methods = ["none", "client_secret_post", "client_secret_basic", "private_key_jwt"] as const;
const methodSchema = z.enum(methods);
/** How many redirect URIs of a registration are looked at. No more would fit into a record, however short they were. */
const maxRedirectUris = 900;
const servedGrantTypes = ["authorization_code", "refresh_token"];

/** The metadata of RFC 7591 that this server keeps of a client. */
export interface ClientMetadata {
  readonly redirect_uris: string[];
  readonly token_endpoint_auth_method?: (typeof methods)[number];
  readonly grant_types: string[];
  readonly response_types: string[];
  readonly scope: string;
  readonly client_name?: string;
  readonly client_uri?: string;
  readonly logo_uri?: string;
  readonly contacts?: string[];
  readonly tos_uri?: string;
  readonly policy_uri?: string;
  readonly software_id?: string;
  readonly software_version?: string;
  readonly application_type?: string;
  readonly jwks_uri?: string;
  readonly jwks?: unknown;
}

/**
 * Reads the metadata that a client wants to register (RFC 7591 section 2). What this server does not offer is left out or
 * replaced by what it has, and the answer to the client lists what was kept (section 3.2.1). Nulls, empty texts and empty
 * lists count as absent.
 *
 * @param privateUseSchemes - The schemes of applications that the configuration names, beyond those that are known.
 * @throws {OAuthError} with `invalid_client_metadata` or `invalid_redirect_uri` where there is nothing to keep: no usable
 * redirect URI, no grant that is served, no keys for `private_key_jwt`. The message says which.
 */
export function parseClientMetadata(
  input: unknown,
  scopes: { readonly valid: readonly string[]; readonly defaults: readonly string[] },
  privateUseSchemes: readonly string[] = [],
): ClientMetadata {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new OAuthError("invalid_client_metadata", "Client metadata must be a JSON object.");
  }
  // A map: a member called __proto__ is a member like any other.
  const given: ReadonlyMap<string, unknown> = new Map(Object.entries(input).filter(([, value]) => !isNothing(value)));
  const name = given.get("client_name");
  const givenMethod = given.get("token_endpoint_auth_method");
  // A method that is not offered becomes the default of RFC 7591, which has a client that names none get a secret.
  const method = methodSchema.safeParse(givenMethod).data ?? "client_secret_basic";
  return fitMetadata({
    redirect_uris: usableRedirectUris(given.get("redirect_uris"), privateUseSchemes),
    ...(givenMethod !== undefined && { token_endpoint_auth_method: method }),
    grant_types: grantTypesOf(listOf(given.get("grant_types")), listOf(given.get("response_types"))),
    response_types: ["code"],
    scope: registeredScope(given.get("scope"), scopes),
    ...(typeof name === "string" && { client_name: [...name].slice(0, maxNameLength).join("") }),
    ...usefulMembers(given),
    ...(method === "private_key_jwt" && publicKeysOf(given)),
  });
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
}

/** The names in a list, or in a text alone, each of which may be several. Anything else is as if it were not there. */
function listOf(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.flatMap((item) => (typeof item === "string" ? item.split(/[\s,]+/) : [])).filter((name) => name !== "");
}

/** Those of the redirect URIs that may be registered. The client learns from the answer which they are. */
function usableRedirectUris(value: unknown, privateUseSchemes: readonly string[]): string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const given = list.filter((uri) => typeof uri === "string");
  refuseUnless(given.length > 0, "invalid_client_metadata", "redirect_uris must be a list of at least one URI.");
  const refusals: unknown[] = [];
  const usable = [...new Set(given)].slice(0, maxRedirectUris).filter((uri) => {
    try {
      assertRegistrableRedirectUri(uri, privateUseSchemes);
      return true;
    } catch (refusal) {
      refusals.push(refusal);
      return false;
    }
  });
  if (usable.length === 0) throw refusals[0];
  return usable;
}

/** The grants that are served, of those asked for. Every client gets codes, unless it wants nothing that comes of them. */
function grantTypesOf(grants: readonly string[], responses: readonly string[]): string[] {
  const served = [...new Set(grants)].filter((type) => servedGrantTypes.includes(type));
  const asksForGrant = grants.length === 0 || served.length > 0;
  const asksForCode = responses.includes("code") || served.includes("authorization_code");
  refuseUnless(
    asksForCode || (asksForGrant && responses.length === 0),
    "invalid_client_metadata",
    "This server serves the grant_types authorization_code and refresh_token, with the response_type code.",
  );
  return served.includes("authorization_code") ? served : ["authorization_code", ...served];
}

function usefulMembers(given: ReadonlyMap<string, unknown>): z.infer<typeof dispensableSchema> {
  const good = Object.entries(dispensable).flatMap(([name, schema]) => {
    const parsed = schema.safeParse(given.get(name));
    return parsed.success ? [[name, parsed.data] as const] : [];
  });
  return dispensableSchema.parse(Object.fromEntries(good));
}

/** The keys that a client signs with. A URL is preferred, for keys behind it can be replaced (RFC 7591 section 2). */
function publicKeysOf(given: ReadonlyMap<string, unknown>): Pick<ClientMetadata, "jwks" | "jwks_uri"> {
  const [keys, uri] = [given.get("jwks"), given.get("jwks_uri")];
  refuseUnless(!hasPrivateKeys(keys), "invalid_client_metadata", "jwks must not have private keys.");
  if (typeof uri === "string" && isKeySetUrl(uri)) return { jwks_uri: uri };
  const jwks = parseKeySet(keys);
  if (jwks !== undefined) return { jwks };
  throw new OAuthError(
    "invalid_client_metadata",
    "private_key_jwt needs a set of public RSA, EC or OKP keys as jwks, or an https URL of one as jwks_uri.",
  );
}

/**
 * The scope that a client registers: what it names and may have, or the defaults (RFC 7591 section 3.2.1). Whatever else
 * is in the place of a `scope` counts as none.
 */
function registeredScope(
  given: unknown,
  { valid, defaults }: { readonly valid: readonly string[]; readonly defaults: readonly string[] },
): string {
  const texts = Array.isArray(given) ? given.filter((item) => typeof item === "string") : [given];
  const wanted = parseScope(texts.every((item) => typeof item === "string") ? texts.join(" ") : undefined);
  const asksToStay = wanted.includes(offlineAccess) ? [offlineAccess] : [];
  return [...narrowedScopes(wanted, valid, defaults), ...asksToStay].join(" ");
}
