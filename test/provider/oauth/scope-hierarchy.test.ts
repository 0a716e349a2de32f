import { describe, expect, it } from "vitest";
import { ScopeHierarchy } from "../../../src/provider/oauth/scope-hierarchy.ts";

const known = ["read", "write", "admin", "audit", "owner"];
const of = (given: unknown) => ScopeHierarchy.of(known, "scopeImplies", given);

/** owner → admin → write → read, and owner → audit → read. */
const makeDeep = () => of({ admin: ["write"], owner: ["admin", "audit"], write: ["read"], audit: ["read"] });

describe("a hierarchy of scopes", () => {
  it("adds what scopes imply, however far away, each once and the given ones first", () => {
    const deep = makeDeep();
    expect(deep.withImplied(["read"])).toEqual(["read"]);
    expect(deep.withImplied(["write"])).toEqual(["write", "read"]);
    expect(deep.withImplied(["owner"])).toEqual(["owner", "admin", "audit", "write", "read"]);
    expect(deep.withImplied(["read", "audit", "unknown"])).toEqual(["read", "audit", "unknown"]);
    expect(deep.withImplied([])).toEqual([]);
  });

  it("says which scopes are lacking", () => {
    const deep = makeDeep();
    expect(deep.lacking(["read", "write", "audit"], ["admin"])).toEqual(["audit"]);
    expect(deep.lacking(["read", "write"], ["read"])).toEqual(["write"]);
    expect(deep.lacking(["read"], ["write", "read"])).toEqual([]);
    expect(deep.lacking(["admin"], ["write", "read", "audit"]), "the reverse does not count").toEqual(["admin"]);
    expect(deep.lacking(["read", "write", "audit", "admin"], ["owner"])).toEqual([]);
    expect(deep.lacking(["unknown"], ["owner"])).toEqual(["unknown"]);
  });

  it("names the lists with a scope more that cover the same", () => {
    const deep = makeDeep();
    expect(deep.broadened(["audit"])).toEqual([["audit", "owner"]]);
    expect(deep.broadened(["owner"])).toEqual([]);
    expect(
      deep
        .broadened(["read"])
        .map((scopes) => scopes.at(-1))
        .sort(),
    ).toEqual(["admin", "audit", "owner", "write"]);
  });

  it.each([undefined, {}, { admin: [] }])("that says nothing implies nothing: %j", (given) => {
    expect(of(given).withImplied(known)).toEqual(known);
    expect(of(given).lacking(["read"], ["admin"])).toEqual(["read"]);
  });
});

it.each([
  ["a scope that implies itself", { read: ["read"] }],
  ["a circle of two", { read: ["write"], write: ["read"] }],
  [
    "a circle of four, far from the first",
    { owner: ["admin"], admin: ["write"], write: ["audit"], audit: ["read", "admin"] },
  ],
  ["a scope that the server does not have", { root: ["read"] }],
  ["a scope that implies one that the server does not have", { admin: ["root"] }],
  ["offline_access", { admin: ["offline_access"] }],
  ["a scope with a space", { admin: ["read write"] }],
  ["a text in the place of a list", { admin: "read" }],
  ["nothing in the place of a list", { admin: undefined }],
  ["a list", [["admin", "read"]]],
  ["a text", "admin"],
  ["null", null],
  ["the prototype's name", JSON.parse('{"__proto__":["read"]}')],
  ["a name of the prototype's", { constructor: ["read"] }],
])("a hierarchy is refused with %s", (_, given) => {
  expect(() => of(given)).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
});
