import { type ZodType, z } from "zod";
import { checkedCodec } from "./checked-codec.ts";
import type { Codec } from "./codec.ts";

/**
 * A codec that keeps records as JSON text and checks them against a Zod schema in both directions. The schema may be a
 * Zod codec, whose wire side then is what is stored.
 *
 * A value that would not be read back, such as a `Date` or a `Map`, is refused: `superjsonCodec` keeps those.
 *
 * Text is not trusted: its length is checked before it is parsed, an own `__proto__` member is refused, and whatever
 * the schema does not know is dropped.
 *
 * @param options - `maxLength`: the longest text that is read, in characters. Default: 1,048,576.
 *
 * @example
 * ```ts
 * const codec = jsonCodec(z.object({ name: z.string() }));
 * codec.decode('{"name":"Ada"}', { repository: "people", key: "ada" }); // { name: "Ada" }
 * ```
 */
export function jsonCodec<V>(schema: ZodType<V>, options: { readonly maxLength?: number } = {}): Codec<V> {
  const compiled = z.compile(schema);
  return checkedCodec(
    {
      write: (value) => JSON.stringify(z.encode(schema, value)),
      read: (json) => compiled.parse(json),
      otherwise: "JSON cannot give it back, superjsonCodec may",
    },
    options,
  );
}
