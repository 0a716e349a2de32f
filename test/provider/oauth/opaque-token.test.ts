import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import {
  base62,
  formatClientSecret,
  hasChecksum,
  isPythonAccessToken,
  withChecksum,
} from "../../../src/provider/oauth/opaque-token.ts";

it.each([
  [16, 22],
  [32, 43],
])("writes %i bytes in %i characters, whatever they are, and keeps every bit", (size, length) => {
  const written = new Set<string>();
  const values = [new Uint8Array(size), new Uint8Array(size).fill(255), randomBytes(size)];
  for (let bit = 0; bit < size * 8; bit += 1) {
    const one = new Uint8Array(size);
    one[bit >> 3] = 1 << (bit & 7);
    values.push(one);
  }
  for (const bytes of values) {
    const text = base62(bytes, length);
    expect(text).toMatch(new RegExp(`^[0-9A-Za-z]{${length}}$`));
    written.add(text);
  }
  expect(written.size).toBe(values.length);
});

it.each([
  [16, 43],
  [31, 43],
  [33, 43],
  [32, 22],
  [15, 22],
  [0, 22],
])("refuses to write %i bytes in %i characters: a secret has no less entropy than it looks", (size, length) => {
  expect(() => base62(new Uint8Array(size), length)).toThrow(RangeError);
});

it("finds a mistyped character, a missing one and one too many by the checksum", () => {
  const text = withChecksum("pmcp_at_abc");
  expect(hasChecksum(text, 11)).toBe(true);
  for (let index = 0; index < text.length; index += 1) {
    const other = text[index] === "x" ? "y" : "x";
    expect(hasChecksum(text.slice(0, index) + other + text.slice(index + 1), 11), text[index]).toBe(false);
  }
  for (const wrong of [text.slice(1), text.slice(0, -1), `${text}0`, `${text}\n`, ` ${text}`, ""]) {
    expect(hasChecksum(wrong, 11)).toBe(false);
  }
});

it("takes no text with other characters, whatever its checksum", () => {
  for (const other of ["!mcp_at_abc", "pmcp_at_a!c", "pmcp_at_ab!", "pmcp-at-abc", "pmcp_at_ab\n"]) {
    expect(hasChecksum(withChecksum(other), 11), other).toBe(false);
  }
});

it("makes client secrets of 32 bytes that say what they are", () => {
  expect(formatClientSecret(randomBytes(32))).toMatch(/^pmcp_cs_[0-9A-Za-z]{49}$/);
  expect(() => formatClientSecret(randomBytes(16))).toThrow(RangeError);
});

it("knows the Python package's tokens and not Pangea's", () => {
  expect(isPythonAccessToken(`mcp_${"0f".repeat(32)}`)).toBe(true);
  expect(isPythonAccessToken("mcp_")).toBe(false);
  expect(isPythonAccessToken("mcp_0")).toBe(true);
  expect(isPythonAccessToken(`mcp_${"0f".repeat(64)}`)).toBe(true);
  for (const other of ["ptu_0f0f", "xmcp_0f", "mcp_0g", "mcp_0F", "mcp_0f\n", `mcp_${"0f".repeat(64)}0`]) {
    expect(isPythonAccessToken(other), other).toBe(false);
  }
});

it("writes what earlier versions wrote", () => {
  const bytes = Uint8Array.from({ length: 16 }, (_, index) => index);
  expect(base62(bytes, 22)).toBe("000SYW7RiJxkEgOGusQGwp");
  const longer = Uint8Array.from({ length: 32 }, (_, index) => index);
  expect(base62(longer, 43)).toBe("003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf");
  expect(withChecksum("pmcp_at_abc")).toBe("pmcp_at_abc15TnAi");
});
