import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { KeyRing, UnsealableError } from "../../src/index.ts";
import { openOr, openSealed, seal, sealedKeyId } from "../../src/secrets/sealing.ts";

const keys = KeyRing.from("s".repeat(32)).derive("note");
const { bytes: purposeKey, id } = keys.primary;

/** Opens an envelope with a key and a nonce, without the code under test. */
function decrypt(envelope: string, key: Uint8Array, nonce: Uint8Array): string {
  const sealed = Buffer.from(envelope.split(".")[3] ?? "", "base64url");
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: 16 }).setAAD(Buffer.from("here"));
  decipher.setAuthTag(sealed.subarray(-16));
  return decipher.update(sealed.subarray(0, -16), undefined, "utf8") + decipher.final("utf8");
}

/** Seals a text with a salt of any length, without the code under test. */
function sealedWith(salt: Uint8Array): string {
  const bytes = createHmac("sha512", purposeKey).update("message key\0").update(salt).digest();
  const cipher = createCipheriv("aes-256-gcm", bytes.subarray(0, 32), bytes.subarray(32, 44));
  cipher.setAAD(Buffer.from("here"));
  const sealed = Buffer.concat([cipher.update("confidential", "utf8"), cipher.final(), cipher.getAuthTag()]);
  return ["v2", id, Buffer.from(salt).toString("base64url"), sealed.toString("base64url")].join(".");
}

/** The error of opening an envelope. */
function failureOf(envelope: string): unknown {
  try {
    return openSealed(keys, envelope, "here");
  } catch (failure) {
    return failure;
  }
}

const saltOf = (envelope: string) => Buffer.from(envelope.split(".")[2] ?? "", "base64url");

describe("a sealed text", () => {
  it("is AES-256-GCM under a key and a nonce that follow from the purpose's key and the envelope's salt", () => {
    const envelope = seal(keys, "confidential", "here");
    expect(envelope).toMatch(new RegExp(`^v2\\.${id}\\.[\\w-]{24}\\.[\\w-]+$`));
    const follows = createHmac("sha512", purposeKey).update("message key\0").update(saltOf(envelope)).digest();
    expect(decrypt(envelope, follows.subarray(0, 32), follows.subarray(32, 44))).toBe("confidential");
    expect(openSealed(keys, envelope, "here")).toBe("confidential");
  });

  it("never has the purpose's own key as the key of AES", () => {
    const envelope = seal(keys, "confidential", "here");
    expect(() => decrypt(envelope, purposeKey, saltOf(envelope).subarray(0, 12))).toThrow();
    expect(() => decrypt(envelope, purposeKey, saltOf(envelope).subarray(-12))).toThrow();
  });

  it("has a key of its own each time", () => {
    const salts = new Set(Array.from({ length: 1000 }, () => saltOf(seal(keys, "the same", "here")).toString("hex")));
    expect(salts.size).toBe(1000);
    expect([...salts][0]).toHaveLength(36);
  });

  it("does not open with the salt of another one", () => {
    const [one, other] = [seal(keys, "the same", "here").split("."), seal(keys, "the same", "here").split(".")];
    const mixed = [one[0], one[1], other[2], one[3]].join(".");
    expect(() => openSealed(keys, mixed, "here")).toThrow(UnsealableError);
  });

  it("has a salt of 18 bytes, whoever has the key", () => {
    expect(openSealed(keys, sealedWith(new Uint8Array(18)), "here")).toBe("confidential");
    for (const length of [0, 17, 19]) {
      expect(failureOf(sealedWith(new Uint8Array(length)))).toMatchObject({ code: "ERR_UNSEALABLE", keyId: undefined });
    }
  });

  it("names the key that is missing, so that another instance may be asked", () => {
    const other = KeyRing.from("t".repeat(32)).derive("note");
    expect(() => openSealed(other, seal(keys, "x", "here"), "here")).toThrow(expect.objectContaining({ keyId: id }));
  });

  it.each(["", "é", "confidential"])("opens to %j again", (text) => {
    expect(openSealed(keys, seal(keys, text, "hé"), "hé")).toBe(text);
  });

  it.each<[string, (parts: string[]) => string[]]>([
    ["without anything behind the version", ([version = ""]) => [version]],
    ["without a salt", (parts) => parts.slice(0, 2)],
    ["without a ciphertext", (parts) => parts.slice(0, 3)],
    ["with a part too many", (parts) => [...parts, "x"]],
    ["of another version, under whatever key", ([, , ...rest]) => ["v1", "elsewher", ...rest]],
    ["without a whole tag", ([version = "", keyId = "", salt = ""]) => [version, keyId, salt, "AAAA"]],
    ["with a salt that is too short", ([version = "", keyId = "", , text = ""]) => [version, keyId, "AAAA", text]],
    [
      "with what no encoder writes",
      ([version = "", keyId = "", salt = "", text = ""]) => [version, keyId, salt, `${text}=`],
    ],
    ["altered", ([version = "", keyId = "", salt = "", text = ""]) => [version, keyId, salt, `AAAA${text.slice(4)}`]],
  ])("%s is refused, and blames no key", (_, change) => {
    const failure = failureOf(change(seal(keys, "confidential", "here").split(".")).join("."));
    expect(failure).toBeInstanceOf(UnsealableError);
    expect(failure).toMatchObject({ code: "ERR_UNSEALABLE", keyId: undefined });
  });

  it("that was altered says what the cipher said", () => {
    const failure = failureOf(`${seal(keys, "confidential", "here").slice(0, -4)}AAAA`);
    expect(failure).toMatchObject({ cause: expect.any(Error) });
  });

  it.each(["short", "longerid9", "with+sgn", "-_aZ09x "])(
    "shows nothing of a key's id of another form, %j",
    (other) => {
      const [version, , ...rest] = seal(keys, "confidential", "here").split(".");
      expect(failureOf([version, other, ...rest].join("."))).toMatchObject({
        code: "ERR_UNSEALABLE",
        keyId: undefined,
      });
    },
  );
});

it.each([
  [seal(keys, "text", "here"), id],
  ["v2.-_aZ09xy.anything", "-_aZ09xy"],
  ["v2.-_aZ09xy", "-_aZ09xy"],
  ["v2.short.anything", undefined],
  ["v2.longerid9.anything", undefined],
  ["v2.with+sgn.anything", undefined],
  ["v1.-_aZ09xy.anything", undefined],
  ["v2", undefined],
  ["", undefined],
])("%j says that it was sealed under the key %j", (text, keyId) => {
  expect(sealedKeyId(text)).toBe(keyId);
});

describe("what may not be meant for this server", () => {
  it("is opened, or is what its failure leads to", () => {
    expect(openOr(() => "opened", String)).toBe("opened");
    const failure = new UnsealableError("The test does not open it.");
    const fail = () => {
      throw failure;
    };
    expect(openOr(fail, (told) => [told])).toEqual([failure]);
  });

  it("fails as it fails where it is no question of keys", () => {
    const failure = new Error("The test fails.");
    const fail = () => {
      throw failure;
    };
    expect(() => openOr(fail, () => "otherwise")).toThrow(failure);
  });
});
