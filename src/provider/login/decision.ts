import { hash } from "node:crypto";
import { z } from "zod";
import type { RevokedConsent } from "../grants/consent-revocations.ts";

/** A person's decision to allow a request. */
export interface Decision {
  /** A hash of the person's subject. Undefined for who has just allowed the request and has yet to log in. */
  readonly subject?: string;
  /** In epoch seconds. */
  readonly decidedAt: number;
  /** The mark of the revocation that was known when the person was asked: whoever answers then has answered after it. */
  readonly after?: string;
}

/** A decision as a browser remembers it. */
export interface RememberedDecision {
  readonly subject: string;
  readonly decidedAt: number;
}

/** Reads and writes a decision that a login carries along. */
export const DecisionSchema = z.object({
  subject: z.string().exactOptional(),
  decidedAt: z.number(),
  after: z.string().exactOptional(),
});

/** The decision that counts for whoever has logged in, if any of these does. */
export function decisionOf(subject: string | undefined, decisions: readonly Decision[]): Decision | undefined {
  const person = subject === undefined ? undefined : hashOfSubject(subject);
  return decisions.find((decision) => decision.subject === undefined || decision.subject === person);
}

/**
 * Whether a decision stands although consent was revoked. The two times are of two clocks, so a decision has to be younger than
 * the revocation by more than the clocks of two instances may differ. One that is not may be older: the person is asked again,
 * by a page that knows of the revocation, and the answer to that one stands whatever the clocks say.
 *
 * @param instanceClockTolerance - In seconds.
 */
export function standsAfter(
  revoked: RevokedConsent | undefined,
  { after, decidedAt }: Decision,
  instanceClockTolerance: number,
): boolean {
  if (revoked === undefined || after === revoked.mark) return true;
  return decidedAt > revoked.revokedAt + instanceClockTolerance;
}

/**
 * The decision as it is remembered for the person who has logged in. It keeps its own time: dated later it would stand
 * after a revocation that comes next.
 */
export function rememberedFor(subject: string, { decidedAt }: Decision): RememberedDecision {
  return { subject: hashOfSubject(subject), decidedAt: Math.floor(decidedAt) };
}

function hashOfSubject(subject: string): string {
  return hash("sha256", subject, "base64url").slice(0, 22);
}
