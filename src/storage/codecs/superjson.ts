import { SuperJSON } from "superjson";
import { type ZodType, z } from "zod";
import { checkedCodec, corruptRecord } from "./checked-codec.ts";
import type { Codec } from "./codec.ts";

/**
 * A codec for records that JSON cannot hold: `Date`, `Map`, `Set`, `BigInt`, `URL`, `undefined`, `NaN` and cycles, by
 * superjson. Typed arrays are refused. The schema checks the value in both directions.
 *
 * Text is not trusted, as with `jsonCodec`: whatever superjson or the schema cannot make sense of is a
 * `CorruptRecordError`. It has an instance of superjson of its own, so types registered elsewhere play no part.
 *
 * @param options - `maxLength`: the longest text that is read, in characters. Default: 1,048,576.
 *
 * @example
 * ```ts
 * const codec = superjsonCodec(z.object({ seen: z.map(z.string(), z.date()) }));
 * const repository = new RedisRepository(codec, redis, { prefix: "seen" });
 * ```
 */
export function superjsonCodec<V>(schema: ZodType<V>, options: { readonly maxLength?: number } = {}): Codec<V> {
  const superjson = new SuperJSON();
  return checkedCodec(
    {
      write: (value) => superjson.stringify(z.encode(schema, value)),
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

function isSuperJson(json: unknown): json is ReturnType<SuperJSON["serialize"]> {
  return typeof json === "object" && json !== null && "json" in json;
}
