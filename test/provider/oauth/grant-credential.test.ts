import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { KeyRing, UnsealableError } from "../../../src/index.ts";
import {
  credentialCore,
  formatAccessToken,
  formatHandle,
  markCredential,
  readAccessToken,
  readCredential,
  readMarkedCredential,
} from "../../../src/provider/oauth/grant-credential.ts";
import { withChecksum } from "../../../src/provider/oauth/opaque-token.ts";

const derive = (...secrets: string[]) => KeyRing.from(secrets.map((one) => one.repeat(32))).derive("credential mark");
const handle = formatHandle(randomBytes(16));
const codeCore = () => credentialCore("authorization_code", { handle, generation: 0 }, randomBytes(32));
const refreshCore = (generation: number) => credentialCore("refresh_token", { handle, generation }, randomBytes(32));

/** The text with another character at this place. */
function altered(text: string, index: number): string {
  return text.slice(0, index) + (text[index] === "7" ? "8" : "7") + text.slice(index + 1);
}

describe("an access token", () => {
  it("says its grant's handle, and is recognised for every value of its entropy", () => {
    for (const fill of [0, 255, 77]) {
      const made = formatHandle(new Uint8Array(16).fill(fill));
      const token = formatAccessToken(made, new Uint8Array(32).fill(fill));
      expect(token).toMatch(/^pmcp_at_[0-9A-Za-z]{71}$/);
      expect(readAccessToken(token)).toEqual({ handle: made });
    }
  });

  it("is not one where a character is another, is missing or is too many, or it is of another kind", () => {
    const token = formatAccessToken(handle, randomBytes(32));
    for (let index = 0; index < token.length; index += 1)
      expect(readAccessToken(altered(token, index))).toBeUndefined();
    const refresh = markCredential(derive("a"), refreshCore(1));
    const python = `mcp_${"0f".repeat(32)}`;
    for (const wrong of [
      token.slice(0, -1),
      `${token}0`,
      refresh,
      markCredential(derive("a"), codeCore()),
      python,
      "",
    ]) {
      expect(readAccessToken(wrong)).toBeUndefined();
    }
    expect(readAccessToken(withChecksum(`pmcp_xx_${token.slice(8, -6)}`))).toBeUndefined();
    for (const none of [undefined, null, 5, [token]]) {
      expect(Reflect.apply(readAccessToken, undefined, [none])).toBeUndefined();
    }
  });
});

describe("a code and a refresh token", () => {
  it("say their grant's handle and their number, and are read with every listed key", () => {
    for (const generation of [1, 9, 10, 999_999]) {
      const core = refreshCore(generation);
      const old = markCredential(derive("a"), core);
      const rotated = markCredential(derive("b", "a"), core);
      expect(old).toMatch(/^pmcp_rt_\w{71}_[\w-]{30}$/);
      expect(rotated).not.toBe(old);
      for (const text of [old, rotated]) {
        expect(readCredential(derive("b", "a"), "refresh_token", text)).toEqual({ handle, generation, core });
      }
    }
    const core = codeCore();
    const code = markCredential(derive("a"), core);
    expect(readCredential(derive("a"), "authorization_code", code)).toEqual({ handle, generation: 0, core });
  });

  it("are not taken for each other, nor for an access token", () => {
    const keys = derive("a");
    const [code, refresh] = [markCredential(keys, codeCore()), markCredential(keys, refreshCore(1))];
    expect(readCredential(keys, "refresh_token", code)).toBeUndefined();
    expect(readCredential(keys, "authorization_code", refresh)).toBeUndefined();
    // With the prefix of the other kind the length or the mark is wrong.
    expect(readCredential(keys, "refresh_token", code.replace("_ac_", "_rt_"))).toBeUndefined();
    expect(readCredential(keys, "authorization_code", refresh.replace("_rt_", "_ac_"))).toBeUndefined();
    expect(readCredential(keys, "refresh_token", formatAccessToken(handle, randomBytes(32)))).toBeUndefined();
  });

  it("cannot be made or altered without the key: every character counts", () => {
    const keys = derive("a");
    const [keyId = ""] = keys.all.map(({ id }) => id);
    for (const kind of ["authorization_code", "refresh_token"] as const) {
      const text = markCredential(keys, kind === "refresh_token" ? refreshCore(1) : codeCore());
      for (let index = 0; index < text.length; index += 1) {
        const read = () => readCredential(keys, kind, altered(text, index));
        const namesAnotherKey = index >= text.indexOf(keyId) && index < text.indexOf(keyId) + keyId.length;
        if (namesAnotherKey) expect(read).toThrow(UnsealableError);
        else expect(read()).toBeUndefined();
      }
      for (let index = 0; index < text.length; index += 1) {
        const unusual = `${text.slice(0, index)}!${text.slice(index + 1)}`;
        expect(readCredential(keys, kind, unusual)).toBeUndefined();
      }
      for (const wrong of [text.slice(0, -1), `${text}0`, ` ${text}`, `${text}\n`, ""]) {
        expect(readCredential(keys, kind, wrong)).toBeUndefined();
      }
    }
  });

  it("name the key of their mark, so that a key that is not configured is told from an invented mark", () => {
    const text = markCredential(derive("a"), refreshCore(3));
    const [keyId] = derive("a").all.map(({ id }) => id);
    expect(() => readCredential(derive("b"), "refresh_token", text)).toThrow(expect.objectContaining({ keyId }));
    expect(readMarkedCredential("refresh_token", text)).toMatchObject({ handle, generation: 3, keyId });
  });

  it("have a number and nothing else where the number stands", () => {
    const text = markCredential(derive("a"), refreshCore(1));
    for (const number of ["00000x", "-00001", "+00001", "0x0001", "1e0001"]) {
      expect(readMarkedCredential("refresh_token", text.replace("000001", number))).toBeUndefined();
    }
    expect(readMarkedCredential("authorization_code", text.replace("_rt_", "_ac_")), "a code").toBeUndefined();
  });
});

describe("the number of a refresh token", () => {
  it.each([1, 999_999, 1_000_000, 123_456_789, 999_999_999_999_999])("is read: %i", (generation) => {
    const token = markCredential(derive("a"), refreshCore(generation));
    expect(readCredential(derive("a"), "refresh_token", token)).toMatchObject({ handle, generation });
  });

  it("has one form only", () => {
    const prefix = `pmcp_rt_${handle}`;
    for (const number of ["0000001", "00001", "1".repeat(16)]) {
      const token = markCredential(derive("a"), `${prefix}${number}${"A".repeat(43)}`);
      expect(readCredential(derive("a"), "refresh_token", token), number).toBeUndefined();
    }
  });
});
