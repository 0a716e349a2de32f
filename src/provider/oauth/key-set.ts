import { z } from "zod";

/** The members of a JSON Web Key that are public (RFC 7518 section 6, RFC 8037). Others are dropped. */
const publicKeySchema = z.object({
  kty: z.enum(["RSA", "EC", "OKP"]),
  use: z.string().exactOptional(),
  key_ops: z.array(z.string()).exactOptional(),
  alg: z.string().exactOptional(),
  kid: z.string().exactOptional(),
  crv: z.string().exactOptional(),
  x: z.string().exactOptional(),
  y: z.string().exactOptional(),
  n: z.string().exactOptional(),
  e: z.string().exactOptional(),
});
const keySetSchema = z.object({ keys: z.array(publicKeySchema).min(1) });
const givenSchema = z.object({ keys: z.array(z.unknown()) });
const privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/** A set of public keys (RFC 7517 section 5). */
export type KeySet = z.infer<typeof keySetSchema>;

/**
 * Reads a set of public keys; undefined where it has none. Keys of other kinds, and keys that lack what they need, are left
 * out (RFC 7517 section 5).
 */
export function parseKeySet(value: unknown): KeySet | undefined {
  const given = givenSchema.safeParse(value).data;
  const keys = given?.keys.flatMap((key) => publicKeySchema.safeParse(key).data ?? []);
  return keySetSchema.safeParse({ keys }).data;
}

/** True for a URL that a client's key set may be fetched from: https, without user information and fragment. */
export function isKeySetUrl(text: string): boolean {
  if (text.length > 2048 || !/^[\x21-\x7e]+$/.test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  return url.protocol === "https:" && url.username === "" && url.password === "" && !text.includes("#");
}

/** True where a key set gives private or secret keys away. */
export function hasPrivateKeys(jwks: unknown): boolean {
  const keys = typeof jwks === "object" && jwks !== null && "keys" in jwks ? jwks.keys : undefined;
  if (!Array.isArray(keys)) return false;
  return keys.some(
    (key: unknown) =>
      typeof key === "object" && key !== null && privateMembers.some((member) => Object.hasOwn(key, member)),
  );
}
