import { z } from "zod";
import { withParser } from "../storage/codecs/own-parser.ts";
import { number, optional, record, type StoredRecord, text, texts, url } from "./record.ts";

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
export const AccessTokenSchema = withParser(
  record<AccessToken>({
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
  }),
  readAtOnce,
);

/** A stored record of which nothing is known yet. */
type Unchecked = { readonly [Name in keyof StoredRecord<AccessToken>]?: unknown };

/**
 * Reads a record as this version writes it. Every request with a token reads one; check after check and name after name, as
 * the schema does it, that takes half as long again.
 */
function readAtOnce(stored: unknown): AccessToken | undefined {
  if (!isObject(stored)) return undefined;
  const { client_id, scopes, expires_at, resource, subject, claims, grant_id, wrapped_key, redemption, revoked_at } =
    stored;
  if (typeof client_id !== "string" || !areTexts(scopes) || isPresent(claims)) return undefined;
  const token: { -readonly [Name in keyof AccessToken]: AccessToken[Name] } = { clientId: client_id, scopes };
  if (isPresent(expires_at)) {
    if (!isNumber(expires_at)) return undefined;
    token.expiresAt = expires_at;
  }
  if (isPresent(resource)) {
    const parsed = typeof resource === "string" ? urlOf(resource) : undefined;
    if (parsed === undefined) return undefined;
    token.resource = parsed;
  }
  if (isPresent(subject)) {
    if (typeof subject !== "string") return undefined;
    token.subject = subject;
  }
  if (isPresent(grant_id)) {
    if (typeof grant_id !== "string") return undefined;
    token.grantId = grant_id;
  }
  if (isPresent(wrapped_key)) {
    if (typeof wrapped_key !== "string") return undefined;
    token.wrappedKey = wrapped_key;
  }
  if (isPresent(redemption)) {
    if (typeof redemption !== "string") return undefined;
    token.redemption = redemption;
  }
  if (isPresent(revoked_at)) {
    if (!isNumber(revoked_at)) return undefined;
    token.revokedAt = revoked_at;
  }
  return token;
}

function isObject(value: unknown): value is Unchecked {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPresent<Value>(value: Value): value is NonNullable<Value> {
  return value !== null && value !== undefined;
}

function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

function areTexts(value: unknown): value is string[] {
  if (!Array.isArray(value)) return false;
  for (let index = 0; index < value.length; index += 1) if (typeof value[index] !== "string") return false;
  return true;
}

/** Asking `URL.canParse` first would parse the text twice. */
function urlOf(href: string): URL | undefined {
  try {
    return new URL(href);
  } catch {
    return undefined;
  }
}
