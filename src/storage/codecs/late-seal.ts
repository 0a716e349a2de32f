import { ConfigurationError } from "../../errors.ts";
import type { KeyRing } from "../../secrets/key-ring.ts";
import { asCodec, type SchemaOrCodec } from "./as-codec.ts";
import type { Codec } from "./codec.ts";
import { labelsOf } from "./labels.ts";
import { sealed } from "./sealed.ts";

/**
 * Seals records with keys that come after the repositories were built. Until then records are kept as they are; once one
 * was, keys come too late: what is stored in plain text would not open any more.
 */
export class LateSeal {
  #keys: KeyRing | undefined;
  #isUsedWithoutKeys = false;

  /**
   * Seals with these keys from now on. The same keys may be given again.
   *
   * @throws {ConfigurationError} when records are sealed with others, or were kept in plain text.
   */
  sealWith(keys: KeyRing): void {
    if (this.#keys !== undefined && String(this.#keys.ids) === String(keys.ids)) return;
    if (this.#keys !== undefined || this.#isUsedWithoutKeys) {
      const before = this.#keys === undefined ? "used in plain text" : "sealed with other keys";
      throw new ConfigurationError(`The repositories were ${before} before; give their \`keys\` when you create them.`);
    }
    this.#keys = keys;
  }

  /** A codec that seals what the given one writes, as soon as there are keys. */
  codec<V>(schemaOrCodec: SchemaOrCodec<V>): Codec<V> {
    const plain = asCodec(schemaOrCodec);
    let codec: Codec<V> | undefined;
    const current = (): Codec<V> => {
      if (this.#keys === undefined) this.#isUsedWithoutKeys = true;
      codec ??= this.#keys === undefined ? plain : sealed(plain, this.#keys);
      return codec;
    };
    return {
      encode: (value, location) => current().encode(value, location),
      decode: (text, location) => current().decode(text, location),
      labels: (text) => labelsOf(current(), text),
    };
  }
}
