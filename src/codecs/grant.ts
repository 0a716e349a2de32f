import { z } from "zod";
import { type PangeaAccessToken, PangeaAccessTokenSchema } from "./pangea-access-token.ts";
import { nullable, present, url, urlText } from "./wire.ts";

/** One user's approval of one client. */
export interface Grant {
  readonly clientId: string;
  /** The user's id at Pangea AuthN. */
  readonly subject?: string;
  readonly username?: string;
  readonly email?: string;
  readonly scopes: string[];
  readonly resource?: URL;
  /** In epoch seconds. */
  readonly createdAt: number;
  /** In epoch seconds: as long as the longest-lived token that needs it. */
  readonly expiresAt: number;
  /** The user's tokens at Pangea AuthN. */
  readonly upstream?: PangeaAccessToken;
  /** The storage keys of the tokens that the grant issued, so that revoking it ends them. */
  readonly tokens: {
    readonly key: string;
    readonly kind: "access_token" | "refresh_token";
    readonly expiresAt: number;
  }[];
  /** In the record that marks a grant as revoked: when, in epoch seconds. */
  readonly revokedAt?: number;
}

const kind = z.enum(["access_token", "refresh_token"]);

const wire = z.object({
  client_id: z.string(),
  subject: nullable(z.string()),
  username: nullable(z.string()),
  email: nullable(z.string()),
  scopes: z.array(z.string()),
  resource: nullable(urlText),
  created_at: z.number(),
  expires_at: z.number(),
  upstream: nullable(PangeaAccessTokenSchema),
  tokens: z.array(z.object({ key: z.string(), kind, expires_at: z.number() })),
  revoked_at: nullable(z.number()),
});

const domain = z.object({
  clientId: z.string(),
  subject: z.string().exactOptional(),
  username: z.string().exactOptional(),
  email: z.string().exactOptional(),
  scopes: z.array(z.string()),
  resource: url.exactOptional(),
  createdAt: z.number(),
  expiresAt: z.number(),
  upstream: z.custom<PangeaAccessToken>().exactOptional(),
  tokens: z.array(z.object({ key: z.string(), kind, expiresAt: z.number() })),
  revokedAt: z.number().exactOptional(),
});

/** Reads and writes grant records. */
export const GrantSchema: z.ZodType<Grant, z.input<typeof wire>> = z.codec(wire, domain, {
  decode: (stored) => ({
    clientId: stored.client_id,
    scopes: stored.scopes,
    createdAt: stored.created_at,
    expiresAt: stored.expires_at,
    tokens: stored.tokens.map((token) => ({ key: token.key, kind: token.kind, expiresAt: token.expires_at })),
    ...present({
      subject: stored.subject,
      username: stored.username,
      email: stored.email,
      resource: typeof stored.resource === "string" ? new URL(stored.resource) : undefined,
      upstream: stored.upstream,
      revokedAt: stored.revoked_at,
    }),
  }),
  encode: (grant) => ({
    client_id: grant.clientId,
    scopes: grant.scopes,
    created_at: grant.createdAt,
    expires_at: grant.expiresAt,
    tokens: grant.tokens.map((token) => ({ key: token.key, kind: token.kind, expires_at: token.expiresAt })),
    ...present({
      subject: grant.subject,
      username: grant.username,
      email: grant.email,
      resource: grant.resource?.href,
      upstream: grant.upstream,
      revoked_at: grant.revokedAt,
    }),
  }),
});
