import { hash } from "node:crypto";
import { z } from "zod";

/** A person's decision to allow a request. */
export interface Decision {
  /** A hash of the person's subject. Undefined for who has just allowed the request and has yet to log in. */
  readonly subject?: string;
  /** In epoch seconds. */
  readonly decidedAt: number;
}

/** Reads and writes a decision that a login carries along. */
export const DecisionSchema = z.object({ subject: z.string().exactOptional(), decidedAt: z.number() });

/** The decision that counts for whoever has logged in, if any of these does. */
export function decisionOf(subject: string | undefined, decisions: readonly Decision[]): Decision | undefined {
  const person = subject === undefined ? undefined : hashOfSubject(subject);
  return decisions.find((decision) => decision.subject === undefined || decision.subject === person);
}

/**
 * Whether a decision stands although consent was revoked. A decision that was remembered has to be younger than the
 * revocation by more than the clocks of two instances may differ; whoever was asked just now has answered since.
 */
export function standsAfter(revokedAt: number | undefined, decision: Decision, clockTolerance: number): boolean {
  if (revokedAt === undefined) return true;
  return decision.subject === undefined
    ? decision.decidedAt >= revokedAt
    : decision.decidedAt > revokedAt + clockTolerance;
}

/** The decision as it is remembered for the person who has logged in: dated so that the decision stands. */
export function rememberedFor(
  subject: string,
  { subject: known, decidedAt }: Decision,
  revokedAt: number | undefined,
  clockTolerance: number,
): Required<Decision> {
  const earliest = known === undefined && revokedAt !== undefined ? Math.floor(revokedAt + clockTolerance) + 1 : 0;
  return { subject: hashOfSubject(subject), decidedAt: Math.max(Math.floor(decidedAt), earliest) };
}

function hashOfSubject(subject: string): string {
  return hash("sha256", subject, "base64url").slice(0, 22);
}
