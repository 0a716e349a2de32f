import type { Equivalent } from "../equivalent.ts";

/** In `src/storage`. */
export const contract: readonly Equivalent[] = [];
