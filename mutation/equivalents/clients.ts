import type { Equivalent } from "../equivalent.ts";

/** In `src/provider/clients`. */
export const clients: readonly Equivalent[] = [];
