import { number, record, text } from "./record.ts";

/** Somebody who is signed in to the account page, in one browser. Whoever signs out deletes the record. */
export interface AccountSession {
  /** Who it is, sealed: it opens with the session's id, in the browser that signed in. */
  readonly sealed: string;
  /** In epoch seconds. */
  readonly expiresAt: number;
}

/** Reads and writes the records of account sessions. */
export const AccountSessionSchema = record<AccountSession>({ sealed: text, expiresAt: number });
