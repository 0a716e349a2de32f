import { createHash, randomFillSync } from "node:crypto";

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
/** The characters of an identifier after its prefix, each from one byte. */
const length = 32;

/** Random bytes for the next identifiers, drawn for many at a time: a draw costs more than the rest of a request. */
const pool = new Uint8Array(128 * length);
let used = pool.length;

/**
 * Makes a fresh identifier in Pangea's form: a prefix and 32 characters of `a-z2-7`, from 32 random bytes.
 *
 * @example
 * ```ts
 * randomIdentifier("pvi"); // "pvi_p6g5i3gtbvqvc3u6zugab6qs6r63tqf5"
 * ```
 */
export function randomIdentifier(prefix: string): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += length;
  return identifier(prefix, pool.subarray(used - length, used));
}

/**
 * Makes an identifier in Pangea's form that is the same for the same text. The identifier does not give the text away.
 *
 * @example
 * ```ts
 * stableIdentifier("pui", "ada@example.com"); // the same id after every restart
 * ```
 */
export function stableIdentifier(prefix: string, text: string): string {
  return identifier(prefix, createHash("sha256").update(`${prefix}\n${text}`).digest());
}

function identifier(prefix: string, bytes: Uint8Array): string {
  let characters = `${prefix}_`;
  // 256 is a multiple of 32: every character is equally likely.
  for (const byte of bytes) characters += alphabet.charAt(byte & 31);
  return characters;
}
