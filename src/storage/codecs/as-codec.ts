import type { ZodType } from "zod";
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
  return isCodec(schemaOrCodec) ? schemaOrCodec : jsonCodec(schemaOrCodec);
}

function requireSchemaOrCodec(given: unknown): void {
  const isObject = typeof given === "object" && given !== null;
  const isZod3 = isObject && "_def" in given && !("_zod" in given);
  requireThat(
    !isZod3,
    'The schema is one of Zod 3. Make it with Zod 4: npm install zod@4, or import { z } from "zod/v4".',
  );
  const hasMethods = isObject && ["encode", "decode"].every((name) => typeof Reflect.get(given, name) === "function");
  requireThat(
    isObject && ("_zod" in given || hasMethods),
    "The schema is missing: give a Zod schema of the records, or a codec with encode and decode.",
  );
}

/** Zod schemas have methods with these names too, so what tells them apart is Zod's own marker. */
function isCodec<V>(schemaOrCodec: SchemaOrCodec<V>): schemaOrCodec is Codec<V> {
  return !("_zod" in schemaOrCodec);
}
