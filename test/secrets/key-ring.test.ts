import { createHash, hkdfSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ConfigurationError, KeyRing, tokenKey } from "../../src/index.ts";
import { requireKeyRing } from "../../src/secrets/key-ring.ts";
import { storageKey } from "../../src/secrets/storage-key.ts";

const secret = "s".repeat(32);

describe("a key ring", () => {
  it("derives the same keys from the same secret, and others for each label, secret and context", () => {
    const one = KeyRing.from(secret).derive("label");
    expect(KeyRing.from(secret).derive("label")).toEqual(one);
    expect(one.primary.bytes).toHaveLength(32);
    for (const other of [
      KeyRing.from(secret).derive("other"),
      KeyRing.from("t".repeat(32)).derive("label"),
      KeyRing.from(secret, { context: "https://mcp.example" }).derive("label"),
    ]) {
      expect(other.primary.bytes).not.toEqual(one.primary.bytes);
    }
  });

  it("names a key by its secret and context, for every purpose alike", () => {
    const ids = KeyRing.from([secret, "t".repeat(32)]).ids;
    const idOf = (keys: KeyRing) => keys.derive("label").primary.id;
    expect(new Set([...ids, idOf(KeyRing.from(secret, { context: "https://mcp.example" }))]).size).toBe(3);
    expect(KeyRing.from(secret).derive("other").primary.id).toBe(ids[0]);
    expect(KeyRing.from("t".repeat(32)).ids).toEqual([ids[1]]);
  });

  it.each([
    ["", "label"],
    ["https://mcp.example", "label\0https://mcp.example"],
  ])("derives what earlier versions derived, with the context %j", (context, info) => {
    const derived = (label: string) => Buffer.from(hkdfSync("sha256", secret, "pangea-authn-fastmcp", label, 32));
    const keys = KeyRing.from(secret, context === "" ? {} : { context });
    const id = createHash("sha256")
      .update(derived(info.replace("label", "key id")))
      .digest("base64url");
    expect(Buffer.from(keys.derive("label").primary.bytes)).toEqual(derived(info));
    expect(keys.ids).toEqual([id.slice(0, 8)]);
    expect(keys.derive("label"), "derived once").toBe(keys.derive("label"));
  });

  it("writes with the first secret and reads with all", () => {
    const keys = KeyRing.from(["n".repeat(32), secret]).derive("label");
    expect(keys.all).toHaveLength(2);
    expect(keys.primary).toBe(keys.all[0]);
    expect(keys.all[1]).toEqual(KeyRing.from(secret).derive("label").primary);
  });

  it("refuses what is no text, however long it is", () => {
    expect(() => KeyRing.from([JSON.parse(JSON.stringify(Array(32).fill("s")))])).toThrow(ConfigurationError);
  });

  it("refuses the secret of a variable that is not set", () => {
    expect(() => Reflect.apply(KeyRing.from, KeyRing, [undefined])).toThrow(ConfigurationError);
  });

  it.each([
    [[]],
    ["short"],
    ["s".repeat(31)],
    [[secret, "short"]],
    [[secret, secret]],
    [`${secret}\n`],
    [[` ${secret}`, "t".repeat(32)]],
    [`${secret},${"t".repeat(32)}`],
    [["t".repeat(32), `${secret},${"t".repeat(40)},${"u".repeat(32)}`]],
  ])("refuses %j", (secrets) => {
    expect(() => KeyRing.from(secrets)).toThrow(ConfigurationError);
  });

  it.each([
    `${"s".repeat(31)},${secret}`,
    `${secret},${"s".repeat(31)}`,
    `${"s".repeat(31)},${secret},${secret}`,
    `${secret},${secret},${"s".repeat(31)}`,
    `${secret},`,
    `,${secret}`,
    `${secret},,${secret}`,
    ",".repeat(65),
    `${secret},${",".repeat(32)}`,
    `${",".repeat(32)},${secret}`,
    `a b ${secret}`,
  ])("takes %j for one secret, which no list of secrets looks like", (one) => {
    expect(KeyRing.from(one).ids).toHaveLength(1);
  });

  it.each([5, null, ["https://mcp.example"], " https://mcp.example"])("refuses the context %j", (context) => {
    expect(() => Reflect.apply(KeyRing.from, KeyRing, [secret, { context }])).toThrow(ConfigurationError);
  });
});

describe("an option that takes a key ring", () => {
  it.each([undefined, KeyRing.from(secret)])("may be %s", (keys) => {
    expect(() => requireKeyRing(keys)).not.toThrow();
  });

  it.each([secret, [secret], null, { derive: () => [] }])("may not be %j", (keys) => {
    expect(() => requireKeyRing(keys)).toThrow(ConfigurationError);
  });
});

describe("a token's key", () => {
  it("is the form that the Python package writes", () => {
    expect(tokenKey("abc")).toBe("sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  });

  it.each([undefined, null, 5, ["abc"]])("is not made of %j", (secret) => {
    expect(() => Reflect.apply(tokenKey, undefined, [secret])).toThrow(ConfigurationError);
  });

  it("differs by its label, and no label and secret read like another pair", () => {
    expect(storageKey("a", "b")).not.toBe(storageKey("c", "b"));
    expect(storageKey("a", "bc")).not.toBe(storageKey("ab", "c"));
    expect(storageKey("", "x")).not.toBe(tokenKey("x"));
  });
});
