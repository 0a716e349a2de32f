import { z } from "zod";
import {
  type IssuedToken,
  issuedTokenDomain,
  issuedTokenWire,
  readIssuedToken,
  writeIssuedToken,
} from "./issued-token.ts";
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
  /** In that record: what was issued in its place. */
  readonly successor?: {
    readonly tokens: IssuedToken[];
    /** Under which key the use of the refresh token among them is recorded. */
    readonly spentKey: string;
  };
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
  successor: nullable(z.object({ tokens: z.array(issuedTokenWire), spent_key: z.string() })),
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
  successor: z.object({ tokens: z.array(issuedTokenDomain), spentKey: z.string() }).exactOptional(),
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
      successor: stored.successor && {
        tokens: stored.successor.tokens.map(readIssuedToken),
        spentKey: stored.successor.spent_key,
      },
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
      successor: token.successor && {
        tokens: token.successor.tokens.map(writeIssuedToken),
        spent_key: token.successor.spentKey,
      },
    }),
  }),
});
