import { UnsealableError } from "../../errors.ts";
import { isSameText } from "../../secrets/constant-time.ts";
import { createHmac } from "../../secrets/hmac.ts";
import type { DerivedKeys } from "../../secrets/key-ring.ts";
import { base62, hasChecksum, withChecksum } from "./opaque-token.ts";

/** The credentials that belong to a grant and carry a MAC. */
export type MarkedCredentialKind = "authorization_code" | "refresh_token";

/** What an authorization code or a refresh token says of itself. */
export interface GrantCredential {
  /** Names the grant. Every credential of a grant has the same handle; it is no secret. */
  readonly handle: string;
  /** The number of a refresh token within its grant, from 1 on; 0 for the code that the grant began with. */
  readonly generation: number;
  /** The credential without its mark: what keys are derived from. */
  readonly core: string;
}

const prefixes = { access_token: "pmcp_at_", authorization_code: "pmcp_ac_", refresh_token: "pmcp_rt_" } as const;
const handleLength = 22;
/** Refresh tokens of one length as long as they can have it. A number that outgrows it takes the digits that it needs. */
const generationLength = 6;
const longestGeneration = String(Number.MAX_SAFE_INTEGER).length - 1;
const secretLength = 43;
const markSeparator = "_";
const keyIdLength = 8;
const macLength = 22;
const macBytes = 16;

/** A handle for a new grant, made from 16 random bytes. */
export function formatHandle(bytes: Uint8Array): string {
  return base62(bytes, handleLength);
}

/** Writes an access token. Its checksum tells a mistyped or a foreign one apart without a call to the store. */
export function formatAccessToken(handle: string, secret: Uint8Array): string {
  return withChecksum(prefixes.access_token + handle + base62(secret, secretLength));
}

/** The handle of an access token that this server may have issued; undefined for any other text. */
export function readAccessToken(text: string): { readonly handle: string } | undefined {
  const prefix = prefixes.access_token;
  // Callers without types may have no text at all.
  if (
    typeof text !== "string" ||
    !text.startsWith(prefix) ||
    !hasChecksum(text, prefix.length + handleLength + secretLength)
  )
    return undefined;
  return { handle: text.slice(prefix.length, prefix.length + handleLength) };
}

/** The credential of a kind, without its mark. `secret` has 32 bytes. */
export function credentialCore(
  kind: MarkedCredentialKind,
  { handle, generation }: Pick<GrantCredential, "handle" | "generation">,
  secret: Uint8Array,
): string {
  const number = kind === "refresh_token" ? String(generation).padStart(generationLength, "0") : "";
  return prefixes[kind] + handle + number + base62(secret, secretLength);
}

/**
 * Marks a credential with the id of a key and a MAC under it, so that an invented one is refused without a call to the
 * store. The core alone decides which credential it is: two instances may mark one with different keys.
 */
export function markCredential({ primary }: DerivedKeys, core: string): string {
  return `${core}${markSeparator}${primary.id}${macOf(primary.bytes, core)}`;
}

/** A credential, and the mark that it came with. */
interface MarkedCredential extends GrantCredential {
  readonly keyId: string;
  readonly mac: string;
}

/**
 * Reads an authorization code or a refresh token; undefined for what this server has not issued.
 *
 * @throws {UnsealableError} when it has the right form, and its mark was made with a key that is not configured.
 */
export function readCredential(
  keys: DerivedKeys,
  kind: MarkedCredentialKind,
  text: string,
): GrantCredential | undefined {
  const credential = readMarkedCredential(kind, text);
  if (credential === undefined) return undefined;
  const { keyId, mac, ...read } = credential;
  const key = keys.all.find(({ id }) => id === keyId);
  if (key === undefined) {
    throw new UnsealableError("A credential was marked with a key that is not configured; keep old secrets listed.", {
      keyId,
    });
  }
  return isSameText(mac, macOf(key.bytes, read.core)) ? read : undefined;
}

/** Reads what an authorization code or a refresh token says of itself, whoever made it. Its mark is not checked. */
export function readMarkedCredential(kind: MarkedCredentialKind, text: string): MarkedCredential | undefined {
  const prefix = prefixes[kind];
  const coreLength = text.length - 1 - keyIdLength - macLength;
  const numberLength = coreLength - prefix.length - handleLength - secretLength;
  const [shortest, longest] = kind === "refresh_token" ? [generationLength, longestGeneration] : [0, 0];
  if (numberLength < shortest || numberLength > longest) return undefined;
  if (!text.startsWith(prefix) || !/^[\w-]+$/.test(text)) return undefined;
  if (text[coreLength] !== markSeparator) return undefined;
  const numberAt = prefix.length + handleLength;
  const number = text.slice(numberAt, numberAt + numberLength);
  if (!/^\d*$/.test(number) || (numberLength > generationLength && number.startsWith("0"))) return undefined;
  return {
    handle: text.slice(prefix.length, numberAt),
    generation: Number(number),
    core: text.slice(0, coreLength),
    keyId: text.slice(coreLength + 1, -macLength),
    mac: text.slice(-macLength),
  };
}

function macOf(key: Uint8Array, core: string): string {
  return base62(createHmac("sha256", key).update(core).digest().subarray(0, macBytes), macLength);
}
