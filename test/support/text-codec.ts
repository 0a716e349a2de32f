import type { Codec } from "../../src/storage/codecs/codec.ts";

/** Stores text as it is, for tests that look at what is stored. */
export const textCodec: Codec<string> = { encode: (text) => text, decode: (text) => text };
