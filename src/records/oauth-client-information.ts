import { z } from "zod";
import { number, optional, record, text, texts } from "./record.ts";

/**
 * A registered client, under the names of RFC 7591 as in the MCP SDK's `OAuthClientInformationFull`, and two members of
 * our own.
 */
export interface OAuthClientInformation {
  readonly client_id: string;
  readonly redirect_uris: string[];
  readonly token_endpoint_auth_method?: string;
  readonly grant_types?: string[];
  readonly response_types?: string[];
  readonly scope?: string;
  readonly client_name?: string;
  readonly client_uri?: string;
  readonly logo_uri?: string;
  readonly contacts?: string[];
  readonly tos_uri?: string;
  readonly policy_uri?: string;
  readonly jwks_uri?: string;
  readonly jwks?: unknown;
  readonly software_id?: string;
  readonly software_version?: string;
  readonly application_type?: string;
  /** In plain text only in records that the Python package wrote. */
  readonly client_secret?: string;
  /** The `tokenKey` of the client secret. */
  readonly client_secret_hash?: string;
  /** In epoch seconds; 0 for never (RFC 7591 section 3.2.1). */
  readonly client_secret_expires_at?: number;
  /** In epoch seconds. */
  readonly client_id_issued_at?: number;
  /** When the registration ends unless it is used, in epoch seconds. Absent in the Python package's records. */
  readonly expiresAt?: number;
}

/** Browsers are sent to redirect URIs: a record with one that is not absolute is corrupt. */
const redirectUris = z.array(text.refine((uri) => URL.canParse(uri)));

/**
 * Reads and writes client records; reads the Python package's (mcp 1.25 and later), in which nulls stand for absent
 * members and the secret is in plain text.
 *
 * @example
 * ```ts
 * const clients = new PangeaVaultRepository(OAuthClientInformationSchema, process.env.PANGEA_VAULT_TOKEN);
 * ```
 */
export const OAuthClientInformationSchema = record<OAuthClientInformation>({
  client_id: text,
  redirect_uris: z.codec(redirectUris.nullish(), redirectUris, {
    decode: (uris) => uris ?? [],
    encode: (uris) => uris,
  }),
  token_endpoint_auth_method: optional(text),
  grant_types: optional(texts),
  response_types: optional(texts),
  scope: optional(text),
  client_name: optional(text),
  client_uri: optional(text),
  logo_uri: optional(text),
  contacts: optional(texts),
  tos_uri: optional(text),
  policy_uri: optional(text),
  jwks_uri: optional(text),
  jwks: optional(z.unknown()),
  software_id: optional(text),
  software_version: optional(text),
  application_type: optional(text),
  client_secret: optional(text),
  client_secret_hash: optional(text),
  client_secret_expires_at: optional(number),
  client_id_issued_at: optional(number),
  expiresAt: optional(number),
});
