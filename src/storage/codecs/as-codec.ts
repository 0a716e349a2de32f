import { type ZodType, z } from "zod";
import { requireThat } from "../../option-checks.ts";
import type { Codec } from "./codec.ts";
import { jsonCodec } from "./json-codec.ts";

/** What persisted repositories take as their first argument: a Zod schema, kept as JSON, or a codec. */
export type SchemaOrCodec<V> = ZodType<V> | Codec<V>;

/**
 * The codec that a schema or a codec stands for.
 *
 * @throws {ConfigurationError} when it is neither, such as a schema of zod 3.
 *
 * @example
 * ```ts
 * const codec = asCodec(z.object({ name: z.string() }));
 * codec.encode({ name: "Ada" }, { repository: "people", key: "ada" }); // '{"name":"Ada"}'
 * ```
 */
export function asCodec<V>(schemaOrCodec: SchemaOrCodec<V>): Codec<V> {
  requireThat(
    isSchemaOrCodec<V>(schemaOrCodec),
    "The schema of the records is missing: give a schema of zod 4, or a codec with the methods encode and decode.",
  );
  return isCodec(schemaOrCodec) ? schemaOrCodec : jsonCodec(schemaOrCodec);
}

/** True for a Zod schema and for a codec. */
export function isSchemaOrCodec<V>(value: unknown): value is SchemaOrCodec<V> {
  return value instanceof z.core.$ZodType || isCodec(value);
}

/** Zod schemas have methods with these names too, so what tells them apart is Zod's own marker. */
function isCodec<V>(value: unknown): value is Codec<V> {
  if (typeof value !== "object" || value === null || "_zod" in value) return false;
  return (
    "encode" in value && typeof value.encode === "function" && "decode" in value && typeof value.decode === "function"
  );
}
