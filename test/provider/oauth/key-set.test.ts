import { describe, expect, it } from "vitest";
import { hasPrivateKeys, isKeySetUrl, parseKeySet } from "../../../src/provider/oauth/key-set.ts";

const publicKey = {
  kty: "EC",
  use: "sig",
  key_ops: ["verify"],
  alg: "ES256",
  kid: "one",
  crv: "P-256",
  x: "AAAA",
  y: "AAAA",
};
const modulus = { kty: "RSA", n: "AAAA", e: "AQAB" };

describe("a key set", () => {
  it("is read with the public members of its keys, and without all others", () => {
    const keys = [publicKey, modulus, { kty: "OKP", crv: "Ed25519", x: "AAAA" }];
    expect(parseKeySet({ keys: keys.map((key) => ({ ...key, d: "secret", x5c: [] })), other: 1 })).toEqual({ keys });
  });

  it.each([
    undefined,
    null,
    "text",
    [],
    {},
    { keys: {} },
    { keys: [] },
    { keys: ["key"] },
    { keys: [{ kty: "oct", k: "AAAA" }] },
    { keys: [{ crv: "P-256" }] },
    ...["use", "alg", "kid", "crv", "x", "y", "n", "e"].map((member) => ({ keys: [{ kty: "EC", [member]: 5 }] })),
    { keys: [null, { kty: "AKP", pub: "AAAA" }] },
    { keys: [{ kty: "EC", key_ops: "verify" }] },
    { keys: [{ kty: "EC", key_ops: [5] }] },
  ])("is not %j", (value) => {
    expect(parseKeySet(value)).toBeUndefined();
  });

  it("is read without keys of other kinds and keys that lack what they need (RFC 7517 section 5)", () => {
    const others = [{ kty: "oct", k: "AAAA" }, { kty: "AKP", pub: "AAAA" }, { kty: "EC", x: 5 }, "key", null];
    expect(parseKeySet({ keys: [...others, publicKey, ...others] })).toEqual({ keys: [publicKey] });
  });

  it("may have many keys", () => {
    const keys = Array.from({ length: 300 }, () => publicKey);
    expect(parseKeySet({ keys })).toEqual({ keys });
  });

  it.each([
    ["https://app.example/keys.json", true],
    ["https://app.example:8443/keys?of=app", true],
    ["http://app.example/keys.json", false],
    ["https://user@app.example/keys.json", false],
    ["https://app.example/keys.json#one", false],
    ["https://app.example/ke ys", false],
    ["keys.json", false],
    ["https://:secret@app.example/keys.json", false],
    [`https://app.example/${"k".repeat(2028)}`, true],
    [`https://app.example/${"k".repeat(2029)}`, false],
  ])("may be at %s: %s", (url, may) => {
    expect(isKeySetUrl(url)).toBe(may);
  });

  it.each(["d", "p", "q", "dp", "dq", "qi", "oth", "k"])("gives a private key away by its member %s", (member) => {
    expect(hasPrivateKeys({ keys: [publicKey, { ...publicKey, [member]: "secret" }] })).toBe(true);
  });

  it.each([
    undefined,
    null,
    "text",
    5,
    {},
    { keys: null },
    { keys: "d" },
    { keys: { d: 1 } },
    { keys: [] },
    { keys: [null, undefined, "d", 5, publicKey] },
  ])("gives none away as %j", (value) => {
    expect(hasPrivateKeys(value)).toBe(false);
  });
});
