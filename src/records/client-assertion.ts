import { number, record, text } from "./record.ts";

/** What is stored of a client assertion (RFC 7523) that was used, so that it is not accepted again. */
export interface ClientAssertion {
  readonly clientId: string;
  /** Which of the requests that showed it was the first. */
  readonly usedBy: string;
  /** In epoch seconds. */
  readonly expiresAt: number;
}

/** Reads and writes the records of used client assertions. */
export const ClientAssertionSchema = record<ClientAssertion>({ clientId: text, usedBy: text, expiresAt: number });
