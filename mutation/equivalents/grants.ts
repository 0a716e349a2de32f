import type { Equivalent } from "../equivalent.ts";

/** In `src/provider/grants`. */
export const grants: readonly Equivalent[] = [];
