import { type ZodType, z } from "zod";
import { requireKind } from "../../option-checks.ts";
import { optionalPackage } from "../../optional-package.ts";
import { corruptRecord } from "../record-errors.ts";
import { checkedCodec } from "./checked-codec.ts";
import type { Codec } from "./codec.ts";
import { requireSchema } from "./schema-check.ts";
import { kindOfPart, UnheldPartError, unheldParts } from "./unheld-parts.ts";

const { SuperJSON } = await optionalPackage("superjson", "superjsonCodec()", () => import("superjson"));

/**
 * A codec for records that JSON cannot hold: `Date`, `Map`, `Set`, `BigInt`, `URL`, `undefined`, `NaN` and cycles, by
 * superjson. Typed arrays, functions, symbols and instances of other classes are refused. The schema checks the value in both directions.
 *
 * Text is not trusted, as with `jsonCodec`: whatever superjson or the schema cannot make sense of is a
 * `CorruptRecordError`. It has an instance of superjson of its own, so types registered elsewhere play no part.
 *
 * @param options - `maxLength`: the longest text that is read, in characters. Default: 1,048,576.
 * @throws {ConfigurationError} when the first argument is no schema of zod 4, or `maxLength` is no whole number above 0.
 *
 * @example
 * ```ts
 * const codec = superjsonCodec(z.object({ seen: z.map(z.string(), z.date()) }));
 * const repository = new RedisRepository(codec, redis, { prefix: "seen" });
 * ```
 */
export function superjsonCodec<V>(schema: ZodType<V>, options: { readonly maxLength?: number } = {}): Codec<V> {
  requireSchema("superjsonCodec()", schema);
  requireKind("options", options, "object");
  const superjson = new SuperJSON();
  return checkedCodec(
    {
      write(value) {
        const encoded = z.encode(schema, value);
        const [lost] = unheldParts(encoded, isHeldBySuperjson);
        if (lost !== undefined) throw new UnheldPartError(`it holds ${kindOfPart(lost.part)}`);
        return superjson.stringify(encoded);
      },
      read: (json, location) => {
        if (!isSuperJson(json)) throw corruptRecord(location, "it was not written by superjson");
        // A few characters could ask for gigabytes, before the schema is asked.
        if (JSON.stringify(json.meta ?? null).includes('"typed-array"')) {
          throw corruptRecord(location, "it holds a typed array, which is not read");
        }
        return schema.parse(superjson.deserialize(json));
      },
      otherwise: "superjson cannot give it back",
    },
    options,
  );
}

/** superjson would make a plain object of an instance of a class that it does not know, and nothing of a function. */
function isHeldBySuperjson(part: unknown): boolean {
  if (typeof part === "function" || typeof part === "symbol") return false;
  if (typeof part !== "object" || part === null) return true;
  if (part instanceof Date) return !Number.isNaN(part.getTime());
  return [Map, Set, URL, RegExp].some((known) => part instanceof known);
}

function isSuperJson(json: unknown): json is ReturnType<InstanceType<typeof SuperJSON>["serialize"]> {
  return typeof json === "object" && json !== null && "json" in json;
}
