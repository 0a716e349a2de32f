import type { Equivalent } from "../equivalent.ts";

/** In `src/provider/keys`. */
export const keys: readonly Equivalent[] = [];
