import { SuperJSON } from "superjson";
import { type ZodType, z } from "zod";
import type { Codec, RecordLocation } from "./codec.ts";
import { assertReadable, corruptRecord, invalidRecord, readJson, tooLarge } from "./json-codec.ts";

/** Far above any record, far below what could hurt. */
const defaultMaxLength = 1024 * 1024;
const notSuperJson = "superjson cannot give it back";

/**
 * A codec for records that JSON cannot hold: `Date`, `Map`, `Set`, `BigInt`, `URL`, `undefined`, `NaN` and cycles, by
 * superjson. Typed arrays are refused. The schema checks the value in both directions.
 *
 * Text is not trusted, as with `jsonCodec`: whatever superjson or the schema cannot make sense of is a
 * `CorruptRecordError`. It has an instance of superjson of its own, so types registered elsewhere play no part.
 *
 * @param options - `maxLength`: the longest text that is read, in characters; 1,048,576 unless said.
 *
 * @example
 * ```ts
 * const codec = superjsonCodec(z.object({ seen: z.map(z.string(), z.date()) }));
 * const repository = new RedisRepository(codec, redis, { prefix: "seen" });
 * ```
 */
export function superjsonCodec<V>(schema: ZodType<V>, options: { readonly maxLength?: number } = {}): Codec<V> {
  const maxLength = options.maxLength ?? defaultMaxLength;
  const superjson = new SuperJSON();
  const decode = (text: string, location: RecordLocation): V =>
    readJson(text, maxLength, location, (json) => {
      if (!isSuperJson(json)) throw corruptRecord(location, "it was not written by superjson");
      // A few characters could ask for gigabytes, before the schema is asked.
      if (JSON.stringify(json.meta ?? null).includes('"typed-array"')) {
        throw corruptRecord(location, "it holds a typed array, which is not read");
      }
      return schema.parse(superjson.deserialize(json));
    });
  return {
    encode(value, location) {
      let text: string;
      try {
        text = superjson.stringify(z.encode(schema, value));
      } catch (failure) {
        throw invalidRecord(location, failure, notSuperJson);
      }
      if (text.length > maxLength) throw tooLarge(location, text, maxLength);
      assertReadable(() => decode(text, location), location, notSuperJson);
      return text;
    },
    decode,
  };
}

function isSuperJson(json: unknown): json is ReturnType<SuperJSON["serialize"]> {
  return typeof json === "object" && json !== null && "json" in json;
}
