import { isDeepStrictEqual } from "node:util";
import { type ZodType, z } from "zod";
import { requireKind } from "../../option-checks.ts";
import { checkedCodec } from "./checked-codec.ts";
import type { Codec } from "./codec.ts";
import { parserOf } from "./own-parser.ts";
import { requireSchema } from "./schema-check.ts";
import { kindOfPart, partAt, UnheldPartError, unheldParts } from "./unheld-parts.ts";

/**
 * A codec that keeps records as JSON text and checks them against a Zod schema in both directions. The schema may be a
 * Zod codec, whose wire side then is what is stored.
 *
 * A value that would not be read back is refused, at any depth and whatever the schema says of it: a `Date`, a `Map`, a
 * `Set`, a `URL` or another instance of a class, a bigint, `NaN`, an infinite number, a function, a symbol, undefined or a
 * hole in a list, a cycle. `superjsonCodec` keeps most of those. A member that is undefined counts as absent, and -0 as 0.
 *
 * Text is not trusted: its length is checked before it is parsed, an own `__proto__` member is refused, and whatever
 * the schema does not know is dropped.
 *
 * @param options - `maxLength`: the longest text that is read, in characters. Default: 1,048,576.
 * @throws {ConfigurationError} when the first argument is no schema of zod 4, or `maxLength` is no whole number above 0.
 *
 * @example
 * ```ts
 * const codec = jsonCodec(z.object({ name: z.string() }));
 * codec.decode('{"name":"Ada"}', { repository: "people", key: "ada" }); // { name: "Ada" }
 * ```
 */
export function jsonCodec<V>(schema: ZodType<V>, options: { readonly maxLength?: number } = {}): Codec<V> {
  requireSchema("jsonCodec()", schema);
  requireKind("options", options, "object");
  const parse = parserOf(schema);
  return checkedCodec(
    {
      write(value) {
        const encoded = z.encode(schema, value);
        const unheld = unheldParts(encoded, isHeldByJson);
        const text = JSON.stringify(encoded);
        if (unheld.length === 0) return text;
        // A schema that coerces may make a Date of a date in text: then the text does give it back.
        const again = z.encode(schema, parse(JSON.parse(text)));
        const lost = unheld.find(({ path, part }) => !isDeepStrictEqual(partAt(again, path), part));
        if (lost !== undefined) throw new UnheldPartError(`it holds ${kindOfPart(lost.part)}`);
        return text;
      },
      read: parse,
      otherwise: "JSON cannot give it back, superjsonCodec may",
    },
    options,
  );
}

/** An undefined member is left out, as an absent one. An undefined element would become null. */
function isHeldByJson(part: unknown, isElement: boolean): boolean {
  if (part === undefined) return !isElement;
  if (typeof part === "number") return Number.isFinite(part);
  return part === null || typeof part === "string" || typeof part === "boolean";
}
