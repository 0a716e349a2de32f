import type { Equivalent } from "../equivalent.ts";

/** In `src/storage/codecs`. */
export const codecs: readonly Equivalent[] = [];
