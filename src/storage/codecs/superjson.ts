import type { ZodType } from "zod";
import { optionalPackage } from "../../optional-package.ts";
import type { Codec } from "./codec.ts";
import { codecBySuperjson } from "./superjson-codec.ts";

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
  return codecBySuperjson(new SuperJSON(), schema, options);
}
