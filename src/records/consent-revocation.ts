import { randomBytes } from "node:crypto";
import { number, optional, record, text } from "./record.ts";

/** The last time that a person's consent to a client was revoked. What the person allowed before counts no more. */
export interface ConsentRevocation {
  /** In epoch seconds. */
  readonly revokedAt: number;
  /** In epoch seconds: when no browser can remember an earlier decision any more. */
  readonly expiresAt: number;
  /** Random: tells this revocation from every other one, whatever clocks say. Records of earlier versions have none. */
  readonly id?: string;
}

/** Reads and writes the records of revoked consent. */
export const ConsentRevocationSchema = record<ConsentRevocation>({
  revokedAt: number,
  expiresAt: number,
  id: optional(text),
});

/**
 * How long the end of a consent is kept, in seconds: longer than browsers keep a cookie (400 days at the most), whatever
 * the server's own setting is by then.
 */
const keptSeconds = 401 * 24 * 60 * 60;

/** The end of a consent, in epoch seconds. */
export function consentRevocationOf(revokedAt: number): ConsentRevocation {
  return { revokedAt, expiresAt: revokedAt + keptSeconds, id: randomBytes(9).toString("base64url") };
}
