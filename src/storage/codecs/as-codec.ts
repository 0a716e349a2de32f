import type { ZodType } from "zod";
import type { Codec } from "./codec.ts";
import { jsonCodec } from "./json-codec.ts";

/** What persisted repositories take as their first argument: a Zod schema, kept as JSON, or a codec. */
export type SchemaOrCodec<V> = ZodType<V> | Codec<V>;

/**
 * The codec that a schema or a codec stands for.
 *
 * @example
 * ```ts
 * const codec = asCodec(z.object({ name: z.string() }));
 * codec.encode({ name: "Ada" }, { repository: "people", key: "ada" }); // '{"name":"Ada"}'
 * ```
 */
export function asCodec<V>(schemaOrCodec: SchemaOrCodec<V>): Codec<V> {
  return isCodec(schemaOrCodec) ? schemaOrCodec : jsonCodec(schemaOrCodec);
}

/** Zod schemas have methods with these names too, so what tells them apart is Zod's own marker. */
function isCodec<V>(schemaOrCodec: SchemaOrCodec<V>): schemaOrCodec is Codec<V> {
  return !("_zod" in schemaOrCodec);
}
