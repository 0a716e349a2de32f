import { createHash } from "node:crypto";
import { pangeaIdentifier } from "../pangea-identifier.ts";

/**
 * An identifier in Pangea's form, a prefix and 32 characters of `a-z2-7`, that is the same for the same text. It does not
 * give the text away.
 *
 * @example
 * ```ts
 * stableIdentifier("pui", "ada@example.com"); // the same id after every restart
 * ```
 */
export function stableIdentifier(prefix: string, text: string): string {
  return pangeaIdentifier(prefix, createHash("sha256").update(`${prefix}\n${text}`).digest());
}
