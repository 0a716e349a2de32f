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
  /** The name of the clock that says so. Records of earlier versions name none, nor do those of an operator's tool. */
  readonly revokedBy?: string;
}

/** Reads and writes the records of revoked consent. */
export const ConsentRevocationSchema = record<ConsentRevocation>({
  revokedAt: number,
  expiresAt: number,
  id: optional(text),
  revokedBy: optional(text),
});

/**
 * How long the end of a consent is kept, in seconds: longer than browsers keep a cookie (400 days at the most), whatever
 * the server's own setting is by then.
 */
const keptSeconds = 401 * 24 * 60 * 60;

/** The end of a consent, in epoch seconds by the clock of this name. */
export function consentRevocationOf(revokedAt: number, revokedBy: string | undefined): ConsentRevocation {
  const id = randomBytes(9).toString("base64url");
  return { revokedAt, expiresAt: revokedAt + keptSeconds, id, ...(revokedBy !== undefined && { revokedBy }) };
}

/**
 * Stands for a revocation that another server has written. It is there, and nobody here can read when it was. So it is younger
 * than every decision that is remembered. It is the same whenever it is met: the answer to a page that knew of it stands.
 */
export const revocationOfAnotherServer: ConsentRevocation = {
  revokedAt: Number.MAX_SAFE_INTEGER,
  expiresAt: Number.MAX_SAFE_INTEGER,
  id: "another server's",
};

/** Whether a revocation stands for one that another server has written. */
export function isOfAnotherServer({ id }: ConsentRevocation): boolean {
  return id === revocationOfAnotherServer.id;
}
