import { createSecretKey, type Hmac, createHmac as hmacOf, type KeyObject } from "node:crypto";

/** The keys that live as long as the process, such as those of a key ring, as Node.js has them. */
const lasting = new WeakMap<Uint8Array, KeyObject>();

/**
 * Begins an HMAC under a key of bytes, as `createHmac` of `node:crypto` does. Node.js 24 takes 25 µs to find out that bytes are
 * no `KeyObject`, and 3 for the HMAC, so it is given one.
 */
export function createHmac(algorithm: "sha256" | "sha512", key: Uint8Array): Hmac {
  return hmacOf(algorithm, lasting.get(key) ?? createSecretKey(key));
}

/** Keeps the `KeyObject` of a key that is used again and again, for as long as its bytes are there. */
export function keepKey(key: Uint8Array): Uint8Array {
  lasting.set(key, createSecretKey(key));
  return key;
}
