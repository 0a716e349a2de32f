import { number, record, text } from "./record.ts";

/** An instance's word that it has a key. It says which key, and nothing about the key. */
export interface KeyAnnouncement {
  readonly keyId: string;
  /** In epoch seconds. */
  readonly expiresAt: number;
}

/** Reads and writes the records of announced keys. */
export const KeyAnnouncementSchema = record<KeyAnnouncement>({ keyId: text, expiresAt: number });
