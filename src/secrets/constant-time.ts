import { timingSafeEqual } from "node:crypto";

/**
 * True for two texts that are the same. The time tells nothing about where two texts of one length differ, but it tells
 * their lengths: give digests of secrets, never the secrets.
 */
export function isSameText(one: string, other: string): boolean {
  const [bytes, otherBytes] = [Buffer.from(one), Buffer.from(other)];
  return bytes.length === otherBytes.length && timingSafeEqual(bytes, otherBytes);
}
