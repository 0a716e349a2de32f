import { createRequire } from "node:module";
import type { ZodType } from "zod";
import { requiredPackage } from "../../optional-package.ts";
import type { Codec } from "./codec.ts";
import { codecBySuperjson, type SuperjsonOptions } from "./superjson-codec.ts";

/** Whoever requires this module has a Node.js that requires ES modules, as superjson is one. */
const load = (): typeof import("superjson") => createRequire(import.meta.url)("superjson");
const { SuperJSON } = requiredPackage("superjson", "superjsonCodec()", load);

/** The same as the function of that name which is imported. */
export function superjsonCodec<V>(schema: ZodType<V>, options: SuperjsonOptions = {}): Codec<V> {
  return codecBySuperjson(new SuperJSON(), schema, options);
}
