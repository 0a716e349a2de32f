import { z } from "zod";
import { nullable, present, url, urlText } from "./wire.ts";

/** What is stored of a refresh token. The token itself is not among it: its hash is the key. */
export interface RefreshToken {
  readonly clientId: string;
  readonly scopes: string[];
  /** In epoch seconds. */
  readonly expiresAt: number;
  /** The grant that the token belongs to. */
  readonly grantId?: string;
  /** The grant's data key, wrapped under this token: without the token and the configured secret it opens nothing. */
  readonly wrappedKey?: string;
  /** The resource of the authorization request (RFC 8707). */
  readonly resource?: URL;
  /** The user's id at Pangea AuthN. */
  readonly subject?: string;
  /** In the record that marks a token as spent: when it was first used, in epoch seconds. */
  readonly rotatedAt?: number;
}

const wire = z.object({
  client_id: z.string(),
  scopes: z.array(z.string()),
  expires_at: z.number(),
  grant_id: nullable(z.string()),
  wrapped_key: nullable(z.string()),
  resource: nullable(urlText),
  subject: nullable(z.string()),
  rotated_at: nullable(z.number()),
});

const domain = z.object({
  clientId: z.string(),
  scopes: z.array(z.string()),
  expiresAt: z.number(),
  grantId: z.string().exactOptional(),
  wrappedKey: z.string().exactOptional(),
  resource: url.exactOptional(),
  subject: z.string().exactOptional(),
  rotatedAt: z.number().exactOptional(),
});

/** Reads and writes refresh-token records. The Python package keeps none. */
export const RefreshTokenSchema: z.ZodType<RefreshToken, z.input<typeof wire>> = z.codec(wire, domain, {
  decode: (stored) => ({
    clientId: stored.client_id,
    scopes: stored.scopes,
    expiresAt: stored.expires_at,
    ...present({
      grantId: stored.grant_id,
      wrappedKey: stored.wrapped_key,
      resource: typeof stored.resource === "string" ? new URL(stored.resource) : undefined,
      subject: stored.subject,
      rotatedAt: stored.rotated_at,
    }),
  }),
  encode: (token) => ({
    client_id: token.clientId,
    scopes: token.scopes,
    expires_at: token.expiresAt,
    ...present({
      grant_id: token.grantId,
      wrapped_key: token.wrappedKey,
      resource: token.resource?.href,
      subject: token.subject,
      rotated_at: token.rotatedAt,
    }),
  }),
});
