import type { Equivalent } from "../equivalent.ts";

/** In `src/secrets`. */
export const secrets: readonly Equivalent[] = [];
