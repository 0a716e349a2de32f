import { z } from "zod";
import { type IssuedToken, IssuedTokenSchema } from "./issued-token.ts";
import { number, optional, record, text, texts, url } from "./record.ts";

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
  readonly successor?: Successor;
}

/** What was issued in place of a spent refresh token. */
interface Successor {
  readonly tokens: IssuedToken[];
  /** Under which key the use of the refresh token among them is recorded. */
  readonly spentKey: string;
}

/** Reads and writes refresh-token records. The Python package keeps none. */
export const RefreshTokenSchema = record<RefreshToken>({
  clientId: text,
  scopes: texts,
  expiresAt: number,
  grantId: optional(text),
  wrappedKey: optional(text),
  resource: optional(url),
  subject: optional(text),
  rotatedAt: optional(number),
  successor: optional(record<Successor>({ tokens: z.array(IssuedTokenSchema), spentKey: text })),
});
