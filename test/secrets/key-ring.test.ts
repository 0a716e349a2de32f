import { describe, expect, it } from "vitest";
import { ConfigurationError, KeyRing, tokenKey } from "../../src/index.ts";
import { storageKey } from "../../src/secrets/storage-key.ts";

const secret = "s".repeat(32);

describe("a key ring", () => {
  it("derives the same keys from the same secret, and others for each label and secret", () => {
    const one = KeyRing.from(secret).derive("label");
    expect(KeyRing.from(secret).derive("label")).toEqual(one);
    expect(one.primary.bytes).toHaveLength(32);
    for (const other of [KeyRing.from(secret).derive("other"), KeyRing.from("t".repeat(32)).derive("label")]) {
      expect(other.primary.bytes).not.toEqual(one.primary.bytes);
      expect(other.primary.id).not.toBe(one.primary.id);
    }
  });

  it("writes with the first secret and reads with all", () => {
    const keys = KeyRing.from(["n".repeat(32), secret]).derive("label");
    expect(keys.all).toHaveLength(2);
    expect(keys.primary).toBe(keys.all[0]);
    expect(keys.all[1]).toEqual(KeyRing.from(secret).derive("label").primary);
  });

  it.each([[[]], ["short"], [[secret, "short"]], [[secret, secret]]])("refuses %j", (secrets) => {
    expect(() => KeyRing.from(secrets)).toThrow(ConfigurationError);
  });
});

describe("a token's key", () => {
  it("is the form that the Python package writes", () => {
    expect(tokenKey("abc")).toBe("sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  });

  it("differs by its label, and no label and secret read like another pair", () => {
    expect(storageKey("a", "b")).not.toBe(storageKey("c", "b"));
    expect(storageKey("a", "bc")).not.toBe(storageKey("ab", "c"));
    expect(storageKey("", "x")).not.toBe(tokenKey("x"));
  });
});
