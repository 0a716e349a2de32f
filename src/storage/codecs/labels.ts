import { hash } from "node:crypto";
import { createHmac } from "../../secrets/hmac.ts";
import type { KeyRing } from "../../secrets/key-ring.ts";
import type { Codec, IndexLabel } from "./codec.ts";

/** Stands for the id of a key where labels are made without one. Ids of keys are longer. */
const withoutKey = "plain";

/** What stands in an index for a text: the codec's own labels, or the SHA-256 of the text where the codec has none. */
export function labelsOf(codec: Pick<Codec<never>, "labels">, text: string): readonly IndexLabel[] {
  if (codec.labels !== undefined) return codec.labels(text);
  return [{ keyId: withoutKey, label: hash("sha256", text, "base64url") }];
}

/** Labels that tell nothing of the text to whoever has none of the keys: an HMAC under each of them. */
export function keyedLabels(keys: KeyRing): NonNullable<Codec<never>["labels"]> {
  const labelling = keys.derive("index label");
  return (text) =>
    labelling.all.map(({ id, bytes }) => ({
      keyId: id,
      label: createHmac("sha256", bytes).update(text).digest("base64url"),
    }));
}
