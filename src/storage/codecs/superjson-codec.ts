import type { SuperJSON } from "superjson";
import { type ZodType, z } from "zod";
import { requireKind } from "../../option-checks.ts";
import { corruptRecord } from "../record-errors.ts";
import { checkedCodec } from "./checked-codec.ts";
import type { Codec } from "./codec.ts";
import { requireSchema } from "./schema-check.ts";
import { kindOfPart, UnheldPartError, unheldParts } from "./unheld-parts.ts";

/** What a codec by superjson can be told. */
export interface SuperjsonOptions {
  /** The longest text that is read, in characters. Default: 1,048,576. */
  readonly maxLength?: number;
}

/** Makes a codec with a superjson of its own. */
export function codecBySuperjson<V>(superjson: SuperJSON, schema: ZodType<V>, options: SuperjsonOptions): Codec<V> {
  requireSchema("superjsonCodec()", schema);
  requireKind("options", options, "object");
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

function isSuperJson(json: unknown): json is ReturnType<SuperJSON["serialize"]> {
  return typeof json === "object" && json !== null && "json" in json;
}
