import { type ZodType, z } from "zod";
import { requireThat } from "../../option-checks.ts";
import type { Codec } from "./codec.ts";
import { jsonCodec } from "./json-codec.ts";

/** What persisted repositories take as their first argument: a Zod schema, kept as JSON, or a codec. */
export type SchemaOrCodec<V> = ZodType<V> | Codec<V>;

/**
 * The codec that a schema or a codec stands for.
 *
 * @throws {ConfigurationError} when it is neither, such as a schema of Zod 3.
 *
 * @example
 * ```ts
 * const codec = asCodec(z.object({ name: z.string() }));
 * codec.encode({ name: "Ada" }, { repository: "people", key: "ada" }); // '{"name":"Ada"}'
 * ```
 */
export function asCodec<V>(schemaOrCodec: SchemaOrCodec<V>): Codec<V> {
  requireSchemaOrCodec(schemaOrCodec);
  return isCodec<V>(schemaOrCodec) ? schemaOrCodec : jsonCodec(schemaOrCodec);
}

/** True for a Zod schema and for a codec. */
export function isSchemaOrCodec<V>(value: unknown): value is SchemaOrCodec<V> {
  return value instanceof z.core.$ZodType || isCodec(value);
}

function requireSchemaOrCodec(given: unknown): void {
  const isZod3 = typeof given === "object" && given !== null && "_def" in given && !("_zod" in given);
  requireThat(
    !isZod3,
    'The schema is one of Zod 3. Make it with Zod 4: npm install zod@4, or import { z } from "zod/v4".',
  );
  requireThat(
    isSchemaOrCodec(given),
    "The schema is missing: give a Zod schema of the records, or a codec with encode and decode.",
  );
}

/** Zod schemas have methods with these names too, so what tells them apart is Zod's own marker. */
function isCodec<V>(value: unknown): value is Codec<V> {
  if (typeof value !== "object" || value === null || "_zod" in value) return false;
  return (
    "encode" in value && typeof value.encode === "function" && "decode" in value && typeof value.decode === "function"
  );
}
