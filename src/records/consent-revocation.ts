import { number, record } from "./record.ts";

/** The last time that a person's consent to a client was revoked. What the person allowed before counts no more. */
export interface ConsentRevocation {
  /** In epoch seconds. */
  readonly revokedAt: number;
  /** In epoch seconds: when no browser can remember an earlier decision any more. */
  readonly expiresAt: number;
}

/** Reads and writes the records of revoked consent. */
export const ConsentRevocationSchema = record<ConsentRevocation>({ revokedAt: number, expiresAt: number });
