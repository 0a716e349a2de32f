import { number, optional, record, text } from "./record.ts";

/** When a grant was last used. A grant itself never changes, so this is a record of its own. */
export interface GrantUse {
  /** In epoch seconds, to the hour. */
  readonly usedAt: number;
  /** The network that the request came from, coarsely, where the operator wants to know. */
  readonly network?: string;
  /** In epoch seconds. */
  readonly expiresAt: number;
}

/** Reads and writes the uses of grants. */
export const GrantUseSchema = record<GrantUse>({ usedAt: number, network: optional(text), expiresAt: number });
