import type { Equivalent } from "../equivalent.ts";

/** In `src/provider/oauth`. */
export const oauth: readonly Equivalent[] = [];
