import type { Equivalent } from "../equivalent.ts";

/** In `src/provider/tokens`. */
export const tokens: readonly Equivalent[] = [];
