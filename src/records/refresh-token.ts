import { flag, number, optional, record, text, texts } from "./record.ts";

/**
 * What is stored of a refresh token, under its number within its grant. The token itself is not among it. That the token
 * of the next number is stored says that this one was used.
 */
export interface RefreshToken {
  readonly grantId: string;
  /** The scopes of the access token that was issued together with it. */
  readonly scopes: string[];
  /** In epoch seconds. It is the time of the first use of the token of the number before, too. */
  readonly issuedAt: number;
  /** How long an unused token is good, in epoch seconds. */
  readonly usableUntil: number;
  /** How long the record is kept, in epoch seconds: as long as its grant, so that a late use is told from a second one. */
  readonly expiresAt: number;
  /** The keys of this step, wrapped under the token: without the token and the configured secret they open nothing. */
  readonly wrappedKey: string;
  /** Which instance issued it, so that an instance tells its own clock from those of others. */
  readonly issuedBy?: string;
  /** True once the token after this one was used. From then on this record ends soon. */
  readonly retired?: true;
  /** For a first refresh token: which attempt to redeem the code it belongs to. */
  readonly redemption?: string;
}

/** Reads and writes refresh-token records. The Python package keeps none. */
export const RefreshTokenSchema = record<RefreshToken>({
  grantId: text,
  scopes: texts,
  issuedAt: number,
  usableUntil: number,
  expiresAt: number,
  wrappedKey: text,
  issuedBy: optional(text),
  retired: optional(flag),
  redemption: optional(text),
});
