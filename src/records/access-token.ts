import { z } from "zod";
import { isPresent, nullable, parseUrl, present, url } from "./wire.ts";

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
}

const wire = z.object({
  client_id: z.string(),
  scopes: z.array(z.string()),
  expires_at: nullable(z.number()),
  resource: nullable(z.string()),
  subject: nullable(z.string()),
  claims: nullable(z.record(z.string(), z.unknown())),
  grant_id: nullable(z.string()),
  wrapped_key: nullable(z.string()),
});

const domain = z.object({
  clientId: z.string(),
  scopes: z.array(z.string()),
  expiresAt: z.number().exactOptional(),
  resource: url.exactOptional(),
  subject: z.string().exactOptional(),
  claims: z.record(z.string(), z.unknown()).exactOptional(),
  grantId: z.string().exactOptional(),
  wrappedKey: z.string().exactOptional(),
});

/**
 * Reads and writes access-token records. It reads what the Python package wrote (mcp 1.25 and later) and drops the
 * token that stands in those records.
 *
 * @example
 * ```ts
 * const accessTokens = new PangeaVaultRepository(AccessTokenSchema, process.env.PANGEA_VAULT_TOKEN);
 * ```
 */
export const AccessTokenSchema: z.ZodType<AccessToken, z.input<typeof wire>> = z.codec(wire, domain, {
  decode: (stored, context) => {
    // Member by member: this runs for every request that a token is shown with, and spreading takes twice the time.
    const token: { -readonly [Member in keyof AccessToken]: AccessToken[Member] } = {
      clientId: stored.client_id,
      scopes: stored.scopes,
    };
    if (isPresent(stored.expires_at)) token.expiresAt = stored.expires_at;
    if (isPresent(stored.resource)) {
      const resource = parseUrl(stored.resource);
      if (resource === undefined) {
        context.issues.push({ code: "invalid_format", format: "url", input: stored.resource, path: ["resource"] });
        return z.NEVER;
      }
      token.resource = resource;
    }
    if (isPresent(stored.subject)) token.subject = stored.subject;
    if (isPresent(stored.claims)) token.claims = stored.claims;
    if (isPresent(stored.grant_id)) token.grantId = stored.grant_id;
    if (isPresent(stored.wrapped_key)) token.wrappedKey = stored.wrapped_key;
    return token;
  },
  encode: (token) => ({
    client_id: token.clientId,
    scopes: token.scopes,
    ...present({
      expires_at: token.expiresAt,
      resource: token.resource?.href,
      subject: token.subject,
      claims: token.claims,
      grant_id: token.grantId,
      wrapped_key: token.wrappedKey,
    }),
  }),
});
