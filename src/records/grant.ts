import { z } from "zod";
import { type IssuedToken, IssuedTokenSchema } from "./issued-token.ts";
import { number, optional, record, text, texts, url } from "./record.ts";

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

/** Reads and writes grant records. */
export const GrantSchema = record<Grant>({
  clientId: text,
  subject: optional(text),
  scopes: texts,
  resource: optional(url),
  createdAt: number,
  expiresAt: number,
  sealedUpstream: optional(text),
  wrappedKey: optional(text),
  tokens: z.array(IssuedTokenSchema),
  spentKey: optional(text),
  revokedAt: optional(number),
  ledgerOf: optional(text),
  claimedBy: optional(text),
});
