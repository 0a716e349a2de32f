import { number, record, text } from "./record.ts";

/** The upstream session of a grant, once it has been refreshed. Until then it is in the grant. */
export interface UpstreamSessionRecord {
  /** The user's tokens upstream and the identity, sealed under the grant's data key. */
  readonly sealed: string;
  /** In epoch seconds: when the grant ends. */
  readonly expiresAt: number;
}

/** Reads and writes the records of upstream sessions. */
export const UpstreamSessionSchema = record<UpstreamSessionRecord>({ sealed: text, expiresAt: number });
