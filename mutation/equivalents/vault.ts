import type { Equivalent } from "../equivalent.ts";

/** In `src/storage/vault`. */
export const vault: readonly Equivalent[] = [];
