import { flag, number, optional, record, text, texts, url } from "./record.ts";

/**
 * One user's approval of one client. A grant never changes, until it is revoked: then a tombstone is in its place, which
 * has `revokedAt` and none of the scopes.
 */
export interface Grant {
  readonly clientId: string;
  /** What the client called itself when the person allowed it. */
  readonly clientName?: string;
  /** The domain of the client's document, or else the host or scheme of its redirect URI. */
  readonly clientHost?: string;
  /** Whether somebody had checked who the client is. */
  readonly clientVerified?: true;
  /** The user's id upstream. It tells users of one issuer apart. */
  readonly subject?: string;
  /** The issuer of the upstream that the user logged in at. Absent where there was one upstream only, and it was not noted. */
  readonly upstreamIssuer?: string;
  readonly scopes: string[];
  /** Whether the person has allowed refresh tokens by the scope `offline_access`. */
  readonly offlineAccess?: true;
  /** The resource that was authorized (RFC 8707). */
  readonly resource?: URL;
  /** In epoch seconds. */
  readonly createdAt: number;
  /** In epoch seconds: as long as the longest-lived token that needs it. */
  readonly expiresAt: number;
  /** The user's tokens upstream and the identity at the time of the login, sealed under the grant's data key. */
  readonly sealedUpstream?: string;
  /** Which attempt to redeem the code the grant began with. */
  readonly redemption?: string;
  /** When the grant was revoked, in epoch seconds. */
  readonly revokedAt?: number;
}

/** Reads and writes grant records. */
export const GrantSchema = record<Grant>({
  clientId: text,
  clientName: optional(text),
  clientHost: optional(text),
  clientVerified: optional(flag),
  subject: optional(text),
  upstreamIssuer: optional(text),
  scopes: texts,
  offlineAccess: optional(flag),
  resource: optional(url),
  createdAt: number,
  expiresAt: number,
  sealedUpstream: optional(text),
  redemption: optional(text),
  revokedAt: optional(number),
});
