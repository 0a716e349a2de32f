import { z } from "zod";
import { OAuthError } from "../../errors.ts";
import { refuseUnless } from "../oauth-failure.ts";
import { assertRegistrableRedirectUri } from "./redirect-uri.ts";
import { narrowedScopes, offlineAccess, parseScope } from "./scopes.ts";

const shortText = z.string().max(512);
const webPage = z
  .string()
  .max(2048)
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), "must be an http(s) URL");

const clientMetadataSchema = z.object({
  redirect_uris: z.array(z.string()).min(1).max(20),
  token_endpoint_auth_method: z.enum(["none", "client_secret_post", "client_secret_basic"]).exactOptional(),
  grant_types: z.array(shortText).max(10).exactOptional(),
  response_types: z.array(shortText).max(10).exactOptional(),
  client_name: z.string().max(200).exactOptional(),
  client_uri: webPage.exactOptional(),
  logo_uri: webPage.exactOptional(),
  contacts: z.array(shortText).max(10).exactOptional(),
  tos_uri: webPage.exactOptional(),
  policy_uri: webPage.exactOptional(),
  software_id: shortText.exactOptional(),
  software_version: shortText.exactOptional(),
  application_type: z.enum(["native", "web"]).exactOptional(),
});

/** The metadata of RFC 7591 that this server keeps of a client. */
export type ClientMetadata = z.infer<typeof clientMetadataSchema>;

const servedGrantTypes = ["authorization_code", "refresh_token"];

/**
 * Checks the metadata that a client wants to register (RFC 7591 section 2). Members that this server has no use for
 * are dropped, as the RFC allows; nulls count as absent.
 *
 * @param privateUseSchemes - The schemes of applications that the configuration names, beyond those that are known.
 * @throws {OAuthError} with `invalid_client_metadata` or `invalid_redirect_uri` when a rule is broken; the message names both.
 */
export function parseClientMetadata(
  input: unknown,
  scopes: { readonly valid: readonly string[]; readonly defaults: readonly string[] },
  privateUseSchemes: readonly string[] = [],
): ClientMetadata & { readonly grant_types: string[]; readonly response_types: string[]; readonly scope: string } {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    throw new OAuthError("invalid_client_metadata", "Client metadata must be a JSON object.");
  }
  const present = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== null && value !== ""));
  const parsed = clientMetadataSchema.safeParse(present);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const member = String(issue?.path[0] ?? "client metadata");
    throw new OAuthError("invalid_client_metadata", `${member} is not valid: ${issue?.code ?? "wrong form"}.`);
  }
  const metadata = parsed.data;
  for (const uri of metadata.redirect_uris) assertRegistrableRedirectUri(uri, privateUseSchemes);

  const grantTypes = [...new Set(metadata.grant_types ?? ["authorization_code"])];
  const hasCodes = grantTypes.includes("authorization_code");
  refuseUnless(hasCodes, "invalid_client_metadata", "grant_types must include authorization_code.");
  const answersCode = metadata.response_types?.includes("code") ?? true;
  refuseUnless(answersCode, "invalid_client_metadata", "response_types must include code.");
  return {
    ...metadata,
    redirect_uris: [...new Set(metadata.redirect_uris)],
    grant_types: grantTypes.filter((type) => servedGrantTypes.includes(type)),
    response_types: ["code"],
    scope: registeredScope(present.scope, scopes),
  };
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
