import { randomBytes } from "node:crypto";
import { expect, it } from "vitest";
import { formatOpaqueToken, isOpaqueToken, isPythonAccessToken } from "../../../src/provider/oauth/opaque-token.ts";

it("recognises what it formats, for every value of its entropy", () => {
  for (const entropy of [new Uint8Array(32), new Uint8Array(32).fill(255), randomBytes(32)]) {
    const token = formatOpaqueToken("access_token", entropy);
    expect(token).toMatch(/^pmcp_at_[0-9A-Za-z]{49}$/);
    expect(isOpaqueToken("access_token", token)).toBe(true);
  }
});

it("keeps all 256 bits", () => {
  const one = new Uint8Array(32).fill(255);
  const other = new Uint8Array(32).fill(255);
  other[0] = 254;
  expect(formatOpaqueToken("access_token", one)).not.toBe(formatOpaqueToken("access_token", other));
});

it("refuses a token of another kind, a mistyped one and a foreign one", () => {
  const token = formatOpaqueToken("refresh_token", randomBytes(32));
  expect(isOpaqueToken("access_token", token)).toBe(false);
  const swapped = token.endsWith("0") ? `${token.slice(0, -1)}1` : `${token.slice(0, -1)}0`;
  expect(isOpaqueToken("refresh_token", swapped)).toBe(false);
  expect(isOpaqueToken("refresh_token", token.slice(0, -1))).toBe(false);
  expect(isOpaqueToken("refresh_token", `${token}0`)).toBe(false);
  expect(isOpaqueToken("access_token", "ptu_abc")).toBe(false);
});

it("refuses entropy of another size", () => {
  expect(() => formatOpaqueToken("access_token", new Uint8Array(16))).toThrow(RangeError);
});

it("knows the Python package's tokens and not Pangea's", () => {
  expect(isPythonAccessToken(`mcp_${"0f".repeat(32)}`)).toBe(true);
  expect(isPythonAccessToken("mcp_")).toBe(false);
  expect(isPythonAccessToken("ptu_0f0f")).toBe(false);
});
