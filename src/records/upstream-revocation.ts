import { number, optional, record, text } from "./record.ts";

/** An upstream session that is over here, and that the upstream could not be told the end of. */
export interface UpstreamRevocation {
  /** The tokens to revoke, sealed under the configured secret. */
  readonly sealed: string;
  /** The issuer of the upstream that is to be told. Absent where it was not noted. */
  readonly upstreamIssuer?: string;
  /** How long it is worth trying, in epoch seconds. */
  readonly expiresAt: number;
}

/** Reads and writes the records of upstream sessions that are yet to be ended. */
export const UpstreamRevocationSchema = record<UpstreamRevocation>({
  sealed: text,
  upstreamIssuer: optional(text),
  expiresAt: number,
});
