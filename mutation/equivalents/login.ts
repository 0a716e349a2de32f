import type { Equivalent } from "../equivalent.ts";

/** In `src/provider/login`. */
export const login: readonly Equivalent[] = [];
