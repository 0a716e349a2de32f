import { number, record, text } from "./record.ts";

/** A lock that one instance at a time holds. */
export interface Lock {
  /** Who holds the lock: a name that no two holders share. */
  readonly owner: string;
  /** In epoch seconds. */
  readonly expiresAt: number;
}

/** Reads and writes the records of locks. */
export const LockSchema = record<Lock>({ owner: text, expiresAt: number });
