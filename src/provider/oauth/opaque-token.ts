import { crc32 } from "node:zlib";

/** What an opaque credential of this server is for; the prefix says it to people and to secret scanners. */
export type OpaqueTokenKind = "access_token" | "refresh_token" | "authorization_code" | "client_secret";

const prefixes: Readonly<Record<OpaqueTokenKind, string>> = {
  access_token: "pmcp_at_",
  refresh_token: "pmcp_rt_",
  authorization_code: "pmcp_ac_",
  client_secret: "pmcp_cs_",
};

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const entropyBytes = 32;
const bodyLength = 43;
const checksumLength = 6;

function base62(value: bigint, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest /= 62n) text = alphabet.charAt(Number(rest % 62n)) + text;
  return text;
}

function checksum(text: string): string {
  return base62(BigInt(crc32(text)), checksumLength);
}

/** Writes 256 bits as an opaque credential: prefix, 43 base62 characters, 6 characters of CRC-32. */
export function formatOpaqueToken(kind: OpaqueTokenKind, entropy: Uint8Array): string {
  if (entropy.length !== entropyBytes) throw new RangeError(`an opaque token takes ${entropyBytes} bytes of entropy`);
  const body = prefixes[kind] + base62(BigInt(`0x${Buffer.from(entropy).toString("hex")}`), bodyLength);
  return body + checksum(body);
}

/**
 * True where the text has the form of a credential of that kind that this server issues, checksum included. A mistyped,
 * truncated or foreign token is told apart here, without asking the store.
 */
export function isOpaqueToken(kind: OpaqueTokenKind, text: string): boolean {
  const prefix = prefixes[kind];
  if (text.length !== prefix.length + bodyLength + checksumLength || !text.startsWith(prefix)) return false;
  const body = text.slice(0, -checksumLength);
  return /^[0-9A-Za-z]+$/.test(text.slice(prefix.length)) && checksum(body) === text.slice(-checksumLength);
}

/** True for the form of the Python package's access tokens (`mcp_` and hexadecimal), which stay good after a take-over. */
export function isPythonAccessToken(text: string): boolean {
  return /^mcp_[0-9a-f]{1,128}$/.test(text);
}
