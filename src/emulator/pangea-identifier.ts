import { randomBytes } from "node:crypto";

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** The random characters of an identifier, each from one byte. */
export const PANGEA_IDENTIFIER_LENGTH = 32;

/**
 * A fresh identifier in Pangea's form: a prefix and 32 characters of `a-z2-7`, from 32 random bytes.
 *
 * @example
 * ```ts
 * pangeaIdentifier("pvi"); // "pvi_p6g5i3gtbvqvc3u6zugab6qs6r63tqf5"
 * ```
 */
export function pangeaIdentifier(prefix: string, bytes: Uint8Array = randomBytes(PANGEA_IDENTIFIER_LENGTH)): string {
  let identifier = `${prefix}_`;
  // 256 is a multiple of 32: every character is equally likely.
  for (const byte of bytes) identifier += ALPHABET.charAt(byte & 31);
  return identifier;
}
