import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from "node:crypto";
import { UnsealableError } from "../errors.ts";
import { createHmac } from "./hmac.ts";
import type { DerivedKeys } from "./key-ring.ts";

const algorithm = "aes-256-gcm";
const version = "v2";
const saltBytes = 18;
const keyBytes = 32;
const ivBytes = 12;
const tagBytes = 16;
const keyIdForm = /^[A-Za-z0-9_-]{8}$/;

/**
 * Encrypts and authenticates a text with AES-256-GCM, under a key of its own. The envelope,
 * `v2.<key id>.<salt>.<ciphertext and tag>`, is URL- and cookie-safe.
 *
 * @param associatedData - What the envelope is bound to: `openSealed` needs the same.
 */
export function seal(keys: DerivedKeys, text: string, associatedData: string): string {
  const { id, bytes } = keys.primary;
  // Drawn for this message: salts that wait in memory would be used twice where a machine is resumed from a copy of itself.
  const salt = randomBytes(saltBytes);
  const { key, iv } = messageKey(bytes, salt);
  const cipher = createCipheriv(algorithm, key, iv).setAAD(Buffer.from(associatedData, "utf8"));
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return [version, id, salt.toString("base64url"), sealed.toString("base64url")].join(".");
}

/**
 * The key and the nonce of one message, by HMAC-SHA-512 from the purpose's key and a random salt. AES-GCM gives itself away
 * where a key meets a nonce twice, so random nonces alone bound a key to 2^32 messages. Two of 2^56 messages share a salt
 * with a probability of 2^-33. The purpose's own key never reaches AES.
 */
function messageKey(purposeKey: Uint8Array, salt: Uint8Array): { readonly key: KeyObject; readonly iv: Buffer } {
  const bytes = createHmac("sha512", purposeKey).update("message key\0").update(salt).digest();
  return { key: createSecretKey(bytes.subarray(0, keyBytes)), iv: bytes.subarray(keyBytes, keyBytes + ivBytes) };
}

/**
 * Opens what `seal` wrote.
 *
 * @throws {UnsealableError} when the envelope is malformed or altered, its key is unknown, or the associated data is another.
 */
export function openSealed(keys: DerivedKeys, envelope: string, associatedData: string): string {
  const [envelopeVersion, keyId, saltText, sealedText, ...rest] = envelope.split(".");
  if (envelopeVersion !== version || saltText === undefined || sealedText === undefined || rest.length > 0) {
    throw new UnsealableError("A sealed value is malformed.");
  }
  const purposeKey = keys.all.find((candidate) => candidate.id === keyId);
  if (purposeKey === undefined) {
    // The id comes from the store: only what has the form of an id is shown.
    const isId = keyId !== undefined && keyIdForm.test(keyId);
    throw new UnsealableError(
      `A value was sealed under the key ${isId ? keyId : "(of another form)"}, which is not configured; keep old secrets in the list.`,
      { ...(isId && { keyId }) },
    );
  }
  const salt = decode(saltText);
  const sealed = decode(sealedText);
  if (salt.length !== saltBytes || sealed.length < tagBytes) throw new UnsealableError("A sealed value is malformed.");
  const { key, iv } = messageKey(purposeKey.bytes, salt);
  const decipher = createDecipheriv(algorithm, key, iv, { authTagLength: tagBytes })
    .setAAD(Buffer.from(associatedData, "utf8"))
    .setAuthTag(sealed.subarray(-tagBytes));
  try {
    return decipher.update(sealed.subarray(0, -tagBytes), undefined, "utf8") + decipher.final("utf8");
  } catch (cause) {
    throw new UnsealableError("A sealed value was altered or belongs to another record.", { cause });
  }
}

/** The id of the key that a text says it was sealed under; undefined for a text that does not begin as `seal` writes it. */
export function sealedKeyId(text: string): string | undefined {
  const [envelopeVersion, keyId] = text.split(".", 2);
  return envelopeVersion === version && keyId !== undefined && keyIdForm.test(keyId) ? keyId : undefined;
}

/** Opens something that may not be meant for this server; where it does not open, gives what the failure leads to. */
export function openOr<Opened, Otherwise>(
  open: () => Opened,
  otherwise: (failure: UnsealableError) => Otherwise,
): Opened | Otherwise {
  try {
    return open();
  } catch (failure) {
    if (failure instanceof UnsealableError) return otherwise(failure);
    throw failure;
  }
}

/** One text for the same bytes: Node's decoder skips what it does not know, so an altered text could open as well. */
function decode(text: string): Buffer {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text) throw new UnsealableError("A sealed value is malformed.");
  return bytes;
}
