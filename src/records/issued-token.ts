import { z } from "zod";
import { number, record, text } from "./record.ts";

/** A token that was issued, by its storage key: enough to end it, not to use it. */
export interface IssuedToken {
  readonly key: string;
  readonly kind: "access_token" | "refresh_token";
  /** In epoch seconds. */
  readonly expiresAt: number;
}

/** Reads and writes what a record keeps of an issued token. */
export const IssuedTokenSchema = record<IssuedToken>({
  key: text,
  kind: z.enum(["access_token", "refresh_token"]),
  expiresAt: number,
});
