import { z } from "zod";
import { nullable, present } from "./wire.ts";

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

/** Browsers are sent there: a record in which it is anything else is corrupt. */
const absoluteUri = z.string().refine((uri) => URL.canParse(uri));

const wire = z.object({
  client_id: z.string(),
  redirect_uris: nullable(z.array(absoluteUri)),
  token_endpoint_auth_method: nullable(z.string()),
  grant_types: nullable(z.array(z.string())),
  response_types: nullable(z.array(z.string())),
  scope: nullable(z.string()),
  client_name: nullable(z.string()),
  client_uri: nullable(z.string()),
  logo_uri: nullable(z.string()),
  contacts: nullable(z.array(z.string())),
  tos_uri: nullable(z.string()),
  policy_uri: nullable(z.string()),
  jwks_uri: nullable(z.string()),
  jwks: nullable(z.unknown()),
  software_id: nullable(z.string()),
  software_version: nullable(z.string()),
  application_type: nullable(z.string()),
  client_secret: nullable(z.string()),
  client_secret_hash: nullable(z.string()),
  client_secret_expires_at: nullable(z.number()),
  client_id_issued_at: nullable(z.number()),
  record_expires_at: nullable(z.number()),
});

const domain = z.object({
  client_id: z.string(),
  redirect_uris: z.array(absoluteUri),
  token_endpoint_auth_method: z.string().exactOptional(),
  grant_types: z.array(z.string()).exactOptional(),
  response_types: z.array(z.string()).exactOptional(),
  scope: z.string().exactOptional(),
  client_name: z.string().exactOptional(),
  client_uri: z.string().exactOptional(),
  logo_uri: z.string().exactOptional(),
  contacts: z.array(z.string()).exactOptional(),
  tos_uri: z.string().exactOptional(),
  policy_uri: z.string().exactOptional(),
  jwks_uri: z.string().exactOptional(),
  jwks: z.unknown().exactOptional(),
  software_id: z.string().exactOptional(),
  software_version: z.string().exactOptional(),
  application_type: z.string().exactOptional(),
  client_secret: z.string().exactOptional(),
  client_secret_hash: z.string().exactOptional(),
  client_secret_expires_at: z.number().exactOptional(),
  client_id_issued_at: z.number().exactOptional(),
  expiresAt: z.number().exactOptional(),
});

/**
 * Reads and writes client records; reads the Python package's (mcp 1.25 and later), in which nulls stand for absent
 * members and the secret is in plain text.
 *
 * @example
 * ```ts
 * const clients = new PangeaVaultRepository(OAuthClientInformationSchema, process.env.PANGEA_VAULT_TOKEN);
 * ```
 */
export const OAuthClientInformationSchema: z.ZodType<OAuthClientInformation, z.input<typeof wire>> = z.codec(
  wire,
  domain,
  {
    decode: ({ client_id, redirect_uris, record_expires_at, ...members }) => ({
      client_id,
      redirect_uris: redirect_uris ?? [],
      ...present({ ...members, expiresAt: record_expires_at }),
    }),
    encode: ({ client_id, redirect_uris, expiresAt, ...members }) => ({
      client_id,
      redirect_uris,
      ...present({ ...members, record_expires_at: expiresAt }),
    }),
  },
);
