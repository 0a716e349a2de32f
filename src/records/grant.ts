import { z } from "zod";
import {
  type IssuedToken,
  issuedTokenDomain,
  issuedTokenWire,
  readIssuedToken,
  writeIssuedToken,
} from "./issued-token.ts";
import { nullable, present, url, urlText } from "./wire.ts";

/** One user's approval of one client. */
export interface Grant {
  readonly clientId: string;
  /** The user's id at Pangea AuthN. */
  readonly subject?: string;
  readonly scopes: string[];
  readonly resource?: URL;
  /** In epoch seconds. */
  readonly createdAt: number;
  /** In epoch seconds: as long as the longest-lived token that needs it. */
  readonly expiresAt: number;
  /** The user's tokens at Pangea AuthN and the identity, sealed under the grant's data key. */
  readonly sealedUpstream?: string;
  /** The data key, wrapped under the authorization code, so that a replayed code can still end the upstream tokens. */
  readonly wrappedKey?: string;
  /** The storage keys of the tokens that the grant issued, so that revoking it ends them. */
  readonly tokens: IssuedToken[];
  /** Under which key the use of the last of those refresh tokens is recorded; each use names the next. */
  readonly spentKey?: string;
  /** In the record that marks a grant as revoked: when, in epoch seconds. */
  readonly revokedAt?: number;
  /** In the record that lists a grant's later tokens: the grant's id. */
  readonly ledgerOf?: string;
  /** In the record that says that a grant's upstream tokens are being refreshed: by whom. */
  readonly claimedBy?: string;
}

const wire = z.object({
  client_id: z.string(),
  subject: nullable(z.string()),
  scopes: z.array(z.string()),
  resource: nullable(urlText),
  created_at: z.number(),
  expires_at: z.number(),
  sealed_upstream: nullable(z.string()),
  wrapped_key: nullable(z.string()),
  tokens: z.array(issuedTokenWire),
  spent_key: nullable(z.string()),
  revoked_at: nullable(z.number()),
  ledger_of: nullable(z.string()),
  claimed_by: nullable(z.string()),
});

const domain = z.object({
  clientId: z.string(),
  subject: z.string().exactOptional(),
  scopes: z.array(z.string()),
  resource: url.exactOptional(),
  createdAt: z.number(),
  expiresAt: z.number(),
  sealedUpstream: z.string().exactOptional(),
  wrappedKey: z.string().exactOptional(),
  tokens: z.array(issuedTokenDomain),
  spentKey: z.string().exactOptional(),
  revokedAt: z.number().exactOptional(),
  ledgerOf: z.string().exactOptional(),
  claimedBy: z.string().exactOptional(),
});

/** Reads and writes grant records. */
export const GrantSchema: z.ZodType<Grant, z.input<typeof wire>> = z.codec(wire, domain, {
  decode: (stored) => ({
    clientId: stored.client_id,
    scopes: stored.scopes,
    createdAt: stored.created_at,
    expiresAt: stored.expires_at,
    tokens: stored.tokens.map(readIssuedToken),
    ...present({
      spentKey: stored.spent_key,
      subject: stored.subject,
      resource: typeof stored.resource === "string" ? new URL(stored.resource) : undefined,
      sealedUpstream: stored.sealed_upstream,
      wrappedKey: stored.wrapped_key,
      revokedAt: stored.revoked_at,
      ledgerOf: stored.ledger_of,
      claimedBy: stored.claimed_by,
    }),
  }),
  encode: (grant) => ({
    client_id: grant.clientId,
    scopes: grant.scopes,
    created_at: grant.createdAt,
    expires_at: grant.expiresAt,
    tokens: grant.tokens.map(writeIssuedToken),
    ...present({
      spent_key: grant.spentKey,
      subject: grant.subject,
      resource: grant.resource?.href,
      sealed_upstream: grant.sealedUpstream,
      wrapped_key: grant.wrappedKey,
      revoked_at: grant.revokedAt,
      ledger_of: grant.ledgerOf,
      claimed_by: grant.claimedBy,
    }),
  }),
});
