import { UnsealableError } from "../../errors.ts";
import { requireThat } from "../../option-checks.ts";
import { KeyRing } from "../../secrets/key-ring.ts";
import { openSealed, seal, sealedKeyId } from "../../secrets/sealing.ts";
import { tokenKey } from "../../secrets/storage-key.ts";
import { asCodec, type SchemaOrCodec } from "./as-codec.ts";
import type { Codec, RecordLocation } from "./codec.ts";
import { keyedLabels } from "./labels.ts";
import { encodeAndReadBack, readingBack } from "./read-back.ts";

/**
 * Seals what a codec writes: AES-256-GCM, with the key's id in the envelope so that keys can be rotated, bound to the
 * record's key and repository so that a stored value cannot be moved to another place. It is bound to no time: whoever
 * writes to the store can put back what was in that place before. For Redis and any store that is not a vault.
 *
 * @param schemaOrCodec - What to seal.
 * @param keys - The first secret writes, all read. Servers that share a secret need a `context` each.
 * @throws {ConfigurationError} when the first argument is neither a schema nor a codec, or `keys` is no key ring.
 *
 * @example
 * ```ts
 * const keys = KeyRing.from(process.env.STORAGE_SECRETS.split(","));
 * const grants = new RedisRepository(sealed(GrantSchema, keys), redis, { prefix: "grant" });
 * ```
 */
export function sealed<V>(schemaOrCodec: SchemaOrCodec<V>, keys: KeyRing): Codec<V> {
  const codec = asCodec(schemaOrCodec);
  requireThat(keys instanceof KeyRing, "keys must be a key ring, such as KeyRing.from(secret).");
  const derived = keys.derive("sealed record");
  const sealText = (text: string, location: RecordLocation): string => seal(derived, text, placeOf(location));
  const sealedCodec: Codec<V> = {
    encode: (value, location) => sealText(codec.encode(value, location), location),
    decode(text, location) {
      let opened: string;
      try {
        opened = openSealed(derived, text, placeOf(location));
      } catch (cause) {
        if (!(cause instanceof UnsealableError)) throw cause;
        const record = `${tokenKey(location.key)} in ${location.repository}`;
        const plain =
          'it is not sealed: it was written without keys, or by something else. It is never read; without keys (on SQLite with keys: "none") it would be.';
        const foreign =
          cause.keyId === undefined ? "" : " If another server keeps records here too, give each its own namespace.";
        const isPlain = sealedKeyId(text) === undefined;
        const reason = isPlain ? plain : `${cause.message}${foreign}`;
        throw new UnsealableError(`The record ${record} cannot be opened: ${reason}`, {
          cause,
          isPlain,
          ...(cause.keyId !== undefined && { keyId: cause.keyId }),
        });
      }
      return codec.decode(opened, location);
    },
    labels: keyedLabels(keys),
  };
  return readingBack((value, location) => {
    const { text, value: kept } = encodeAndReadBack(codec, value, location);
    return { text: sealText(text, location), value: kept };
  }, sealedCodec);
}

/** Unambiguous: no choice of repository and key gives the text of another one. */
function placeOf({ repository, key }: RecordLocation): string {
  return JSON.stringify([repository, key]);
}
