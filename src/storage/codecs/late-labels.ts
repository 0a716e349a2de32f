import type { KeyRing } from "../../secrets/key-ring.ts";
import { asCodec, type SchemaOrCodec } from "./as-codec.ts";
import type { Codec } from "./codec.ts";
import { keyedLabels } from "./labels.ts";
import { isReadingBack, readingBack } from "./read-back.ts";

/**
 * Labels for records that are kept as they are, in a store that encrypts by itself and shows its metadata: made with keys that
 * come after the repositories were built. Until then there are none, and a search reads everything.
 */
export class LateLabels {
  #labels: Codec<never>["labels"];

  /** Makes labels with these keys from now on. */
  labelWith(keys: KeyRing): void {
    this.#labels = keyedLabels(keys);
  }

  /** A codec that writes what the given one writes. */
  codec<V>(schemaOrCodec: SchemaOrCodec<V>): Codec<V> {
    const codec = asCodec(schemaOrCodec);
    const labelled: Codec<V> = {
      encode: (value, location) => codec.encode(value, location),
      decode: (text, location) => codec.decode(text, location),
      labels: (text) => this.#labels?.(text) ?? [],
    };
    if (!isReadingBack(codec)) return labelled;
    return readingBack((value, location) => codec.encodeAndReadBack(value, location), labelled);
  }
}
