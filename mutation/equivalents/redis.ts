import type { Equivalent } from "../equivalent.ts";

/** In `src/storage/redis`. */
export const redis: readonly Equivalent[] = [];
