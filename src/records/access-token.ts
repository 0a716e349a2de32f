import { z } from "zod";
import { number, optional, record, text, texts, url } from "./record.ts";

/** What is stored of an access token. The token itself is not among it: its hash is the key. */
export interface AccessToken {
  readonly clientId: string;
  readonly scopes: string[];
  /** In epoch seconds. Absent only in records of the Python package that hold upstream tokens, which open nothing. */
  readonly expiresAt?: number;
  /** The resource that the token was issued for (RFC 8707). Absent in the Python package's records. */
  readonly resource?: URL;
  /** The user's id at Pangea AuthN. */
  readonly subject?: string;
  readonly claims?: Record<string, unknown>;
  /** The grant that the token belongs to. Absent in the Python package's records. */
  readonly grantId?: string;
  /** The grant's data key, wrapped under this token: without the token and the configured secret it opens nothing. */
  readonly wrappedKey?: string;
  /** For a first access token: which attempt to redeem the code it belongs to. */
  readonly redemption?: string;
  /** When the token was revoked by itself, in epoch seconds. Such a record keeps the token from being issued again. */
  readonly revokedAt?: number;
}

/**
 * Reads and writes access-token records. It reads what the Python package wrote (mcp 1.25 and later) and drops the
 * token that stands in those records.
 *
 * @example
 * ```ts
 * const accessTokens = new PangeaVaultRepository(AccessTokenSchema, process.env.PANGEA_VAULT_TOKEN);
 * ```
 */
export const AccessTokenSchema = record<AccessToken>(
  {
    clientId: text,
    scopes: texts,
    expiresAt: optional(number),
    resource: optional(url),
    subject: optional(text),
    claims: optional(z.record(text, z.unknown())),
    grantId: optional(text),
    wrappedKey: optional(text),
    redemption: optional(text),
    revokedAt: optional(number),
  },
  // Every request with a token reads its record. The general way, member by member in a loop, takes a fifth longer.
  (renamed) => {
    const { client_id, scopes, expires_at, resource, subject, claims, grant_id, wrapped_key, redemption, revoked_at } =
      renamed;
    const token: { -readonly [Name in keyof AccessToken]: AccessToken[Name] } = { clientId: client_id, scopes };
    if (isPresent(expires_at)) token.expiresAt = expires_at;
    if (isPresent(resource)) token.resource = resource;
    if (isPresent(subject)) token.subject = subject;
    if (isPresent(claims)) token.claims = claims;
    if (isPresent(grant_id)) token.grantId = grant_id;
    if (isPresent(wrapped_key)) token.wrappedKey = wrapped_key;
    if (isPresent(redemption)) token.redemption = redemption;
    if (isPresent(revoked_at)) token.revokedAt = revoked_at;
    return token;
  },
);

function isPresent<Value>(value: Value | null | undefined): value is Value {
  return value !== null && value !== undefined;
}
