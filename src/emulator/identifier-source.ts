import { randomFillSync } from "node:crypto";
import { PANGEA_IDENTIFIER_LENGTH, pangeaIdentifier } from "./pangea-identifier.ts";

/**
 * Makes Pangea identifiers for a service that needs several with every request: random bytes are drawn for many at a
 * time, since a draw costs more than the rest of the request.
 *
 * @example
 * ```ts
 * new IdentifierSource().next("pvi"); // "pvi_p6g5i3gtbvqvc3u6zugab6qs6r63tqf5"
 * ```
 */
export class IdentifierSource {
  readonly #bytes = new Uint8Array(128 * PANGEA_IDENTIFIER_LENGTH);
  #used = this.#bytes.length;

  /** A fresh identifier with the prefix. */
  next(prefix: string): string {
    if (this.#used === this.#bytes.length) {
      randomFillSync(this.#bytes);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += PANGEA_IDENTIFIER_LENGTH;
    return pangeaIdentifier(prefix, this.#bytes.subarray(start, this.#used));
  }
}
