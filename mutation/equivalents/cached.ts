import type { Equivalent } from "../equivalent.ts";

/** In `src/storage/cached`. */
export const cached: readonly Equivalent[] = [];
