import { z } from "zod";

/** What is stored of a client assertion (RFC 7523) that was used, so that it is not accepted again. */
export interface ClientAssertion {
  readonly clientId: string;
  /** Which of the requests that showed it was the first. */
  readonly usedBy: string;
  /** In epoch seconds. */
  readonly expiresAt: number;
}

const wire = z.object({ client_id: z.string(), used_by: z.string(), expires_at: z.number() });
const domain = z.object({ clientId: z.string(), usedBy: z.string(), expiresAt: z.number() });

/** Reads and writes the records of used client assertions. */
export const ClientAssertionSchema: z.ZodType<ClientAssertion, z.input<typeof wire>> = z.codec(wire, domain, {
  decode: (stored) => ({ clientId: stored.client_id, usedBy: stored.used_by, expiresAt: stored.expires_at }),
  encode: (assertion) => ({
    client_id: assertion.clientId,
    used_by: assertion.usedBy,
    expires_at: assertion.expiresAt,
  }),
});
