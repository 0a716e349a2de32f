import { describe, expect, it } from "vitest";
import {
  isScope,
  narrowedScopes,
  offlineAccess,
  parseScope,
  requireScopes,
  requireScopesAmong,
  scopesBeyond,
} from "../../../src/provider/oauth/scopes.ts";

describe("a scope parameter", () => {
  it("is split at its spaces, each value once, and is none where it is missing", () => {
    expect(parseScope(" user  admin user ")).toEqual(["user", "admin"]);
    expect(parseScope(undefined)).toEqual([]);
    expect(parseScope("")).toEqual([]);
  });

  it.each(['user "x"', "user a\\b", "user ä", "user \u007f", "\tuser\n"])(
    "as %j has the values that are scopes",
    (scope) => {
      expect(parseScope(scope)).toEqual(["user"]);
    },
  );
});

it("who wants scopes gets those that are allowed, or the defaults where none of them is", () => {
  expect(narrowedScopes(["root", "admin", "user"], ["user", "admin"], ["user"])).toEqual(["admin", "user"]);
  for (const wanted of [[], ["root"], ["openid", "offline_access"]]) {
    expect(narrowedScopes(wanted, ["user", "admin"], ["user"])).toEqual(["user"]);
  }
});

it("a scope is made of the characters that RFC 6749 allows, and is not empty", () => {
  const allowed = Array.from({ length: 0x7f - 0x21 }, (_, index) => String.fromCharCode(0x21 + index));
  for (const character of allowed) expect(isScope(`a${character}`), character).toBe(!['"', "\\"].includes(character));
  for (const wrong of ["", " ", "a ", " a", "a\n", "\u0080"]) expect(isScope(wrong)).toBe(false);
});

it("the scope that asks for refresh tokens is that of OpenID Connect", () => {
  expect(offlineAccess).toBe("offline_access");
});

it("the scopes beyond others are those that the others do not have", () => {
  expect(scopesBeyond(["user", "root"], ["user", "admin"])).toEqual(["root"]);
  expect(scopesBeyond(["user"], ["user", "admin"])).toEqual([]);
});

describe("an option that lists scopes", () => {
  it("is a list of scopes, each once", () => {
    expect(requireScopes("scopes", ["user", "admin", "user"])).toEqual(["user", "admin"]);
    expect(requireScopesAmong(["user", "admin"], "requiredScopes", ["admin", "admin"])).toEqual(["admin"]);
  });

  it.each(["user", null, undefined, { length: 0 }, [5], [""], ["user admin"], ["user", "a b"], ["user,admin"]])(
    "is not %j",
    (value) => {
      const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });
      expect(() => requireScopes("scopes", value)).toThrow(refusal);
      expect(() => requireScopesAmong(["user"], "requiredScopes", value)).toThrow(refusal);
    },
  );

  it("has none that the server does not know", () => {
    const call = () => requireScopesAmong(["user"], "requiredScopes", ["user", "root"]);
    expect(call).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  });
});
