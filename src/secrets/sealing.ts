import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { UnsealableError } from "../errors.ts";
import type { DerivedKeys } from "./key-ring.ts";

const algorithm = "aes-256-gcm";
const version = "v1";
const ivBytes = 12;
const tagBytes = 16;

/**
 * Encrypts and authenticates a text with AES-256-GCM. The envelope, `v1.<key id>.<iv>.<ciphertext and tag>`, is URL- and
 * cookie-safe.
 *
 * @param associatedData - What the envelope is bound to: `openSealed` needs the same.
 */
export function seal(keys: DerivedKeys, text: string, associatedData: string): string {
  const { id, bytes } = keys.primary;
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv(algorithm, bytes, iv).setAAD(Buffer.from(associatedData, "utf8"));
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return [version, id, iv.toString("base64url"), sealed.toString("base64url")].join(".");
}

/**
 * Opens what `seal` wrote.
 *
 * @throws {UnsealableError} when the envelope is malformed or altered, its key is unknown, or the associated data is another.
 */
export function openSealed(keys: DerivedKeys, envelope: string, associatedData: string): string {
  const [envelopeVersion, keyId, ivText, sealedText, ...rest] = envelope.split(".");
  if (envelopeVersion !== version || ivText === undefined || sealedText === undefined || rest.length > 0) {
    throw new UnsealableError("A sealed value is malformed.");
  }
  const key = keys.all.find((candidate) => candidate.id === keyId);
  if (key === undefined) {
    throw new UnsealableError("A value was sealed under a key that is not configured; keep old secrets in the list.");
  }
  const iv = decode(ivText);
  const sealed = decode(sealedText);
  if (iv.length !== ivBytes || sealed.length < tagBytes) throw new UnsealableError("A sealed value is malformed.");
  const decipher = createDecipheriv(algorithm, key.bytes, iv, { authTagLength: tagBytes })
    .setAAD(Buffer.from(associatedData, "utf8"))
    .setAuthTag(sealed.subarray(-tagBytes));
  try {
    return decipher.update(sealed.subarray(0, -tagBytes), undefined, "utf8") + decipher.final("utf8");
  } catch (cause) {
    throw new UnsealableError("A sealed value was altered or belongs to another record.", { cause });
  }
}

/** One text for the same bytes: Node's decoder skips what it does not know, so an altered text could open as well. */
function decode(text: string): Buffer {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text) throw new UnsealableError("A sealed value is malformed.");
  return bytes;
}
