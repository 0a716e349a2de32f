import { createHash } from "node:crypto";
import type { Codec, IndexLabel } from "./codec.ts";

/** Stands for the id of a key where labels are made without one. Ids of keys are longer. */
const withoutKey = "plain";

/** What stands in an index for a text: the codec's own labels, or the SHA-256 of the text where the codec has none. */
export function labelsOf(codec: Pick<Codec<never>, "labels">, text: string): readonly IndexLabel[] {
  if (codec.labels !== undefined) return codec.labels(text);
  return [{ keyId: withoutKey, label: createHash("sha256").update(text).digest("base64url") }];
}
