import { crc32 } from "node:zlib";

const clientSecretPrefix = "pmcp_cs_";
const clientSecretLength = 43;
const checksumLength = 6;
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** The length of the longest text that can be an access token: one of the Python package, `mcp_` and 128 digits. */
export const longestAccessToken = 132;

/**
 * Writes bytes in base 62, with zeros in front up to a length. 22 characters hold 16 bytes, 43 characters 32 bytes.
 *
 * @throws {RangeError} when there are more or fewer bytes than the characters hold.
 */
export function base62(bytes: Uint8Array, length: number): string {
  const held = Math.floor((length * Math.log2(alphabet.length)) / 8);
  if (bytes.length !== held) throw new RangeError(`${length} characters hold ${held} bytes, not ${bytes.length}.`);
  let text = "";
  let rest = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  // Eight digits at a time fit into a number. One at a time, each costs a division of the whole.
  for (; text.length < length; rest /= eightDigits) {
    const digits = digitsOf(Number(rest % eightDigits), Math.min(8, length - text.length));
    text = digits + text;
  }
  return text;
}

const eightDigits = BigInt(alphabet.length ** 8);

/** The last digits of a number, so many of them. */
function digitsOf(number: number, count: number): string {
  let digits = "";
  for (let rest = number; digits.length < count; rest = Math.floor(rest / alphabet.length)) {
    digits = alphabet.charAt(rest % alphabet.length) + digits;
  }
  return digits;
}

/** The text, with 6 characters of CRC-32 behind it. */
export function withChecksum(text: string): string {
  return text + digitsOf(crc32(text), checksumLength);
}

/** True where a text of that length, in letters, digits and underscores, is followed by its checksum and nothing else. */
export function hasChecksum(text: string, length: number): boolean {
  return text.length === length + checksumLength && /^\w+$/.test(text) && withChecksum(text.slice(0, length)) === text;
}

/** Writes 32 bytes as a client secret. The prefix says to people and to secret scanners what it is. */
export function formatClientSecret(bytes: Uint8Array): string {
  return withChecksum(clientSecretPrefix + base62(bytes, clientSecretLength));
}

/** True for the form of the Python package's access tokens (`mcp_` and hexadecimal), which stay good after a take-over. */
export function isPythonAccessToken(text: string): boolean {
  return /^mcp_[0-9a-f]{1,128}$/.test(text);
}
