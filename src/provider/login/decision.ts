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
  /** The beginning of the name of the clock that says when. */
  readonly decidedBy?: string;
}

/** A decision as a browser remembers it. */
export interface RememberedDecision {
  readonly subject: string;
  readonly decidedAt: number;
  readonly decidedBy?: string;
}

/** How much of a clock's name a decision has: a cookie has room for little, and no two clocks begin alike. */
const nameLength = 6;

/** What a decision has of the name of the clock that says when. */
export function beginningOfName(clockName: string): string {
  return clockName.slice(0, nameLength);
}

/** Reads and writes a decision that a login carries along. */
export const DecisionSchema = z.object({
  subject: z.string().exactOptional(),
  decidedAt: z.number(),
  after: z.string().exactOptional(),
  decidedBy: z.string().exactOptional(),
});

/** The decision that counts for whoever has logged in, if any of these does. */
export function decisionOf(subject: string | undefined, decisions: readonly Decision[]): Decision | undefined {
  const person = subject === undefined ? undefined : hashOfSubject(subject);
  return decisions.find((decision) => decision.subject === undefined || decision.subject === person);
}

/**
 * Whether a decision stands although consent was revoked. Where the two times are of two clocks, a decision has to be younger
 * than the revocation by more than the clocks of two instances may differ. A clock that was set back is another clock. One that is not may be older: the person is asked
 * again, by a page that knows of the revocation, and the answer to that one stands whatever the clocks say.
 *
 * @param instanceClockTolerance - In seconds.
 */
export function standsAfter(
  revoked: RevokedConsent | undefined,
  { after, decidedAt, decidedBy }: Decision,
  instanceClockTolerance: number,
): boolean {
  if (revoked === undefined || after === revoked.mark) return true;
  const { revokedBy } = revoked;
  const isOneClock = revokedBy !== undefined && decidedBy === beginningOfName(revokedBy);
  return decidedAt > revoked.revokedAt + (isOneClock ? 0 : instanceClockTolerance);
}

/**
 * The decision as it is remembered for the person who has logged in. It keeps its own time: dated later it would stand
 * after a revocation that comes next.
 */
export function rememberedFor(subject: string, { decidedAt, decidedBy }: Decision): RememberedDecision {
  const clock = decidedBy === undefined ? {} : { decidedBy };
  return { subject: hashOfSubject(subject), decidedAt: Math.floor(decidedAt), ...clock };
}

function hashOfSubject(subject: string): string {
  return hash("sha256", subject, "base64url").slice(0, 22);
}
