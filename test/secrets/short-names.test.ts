import { expect, it } from "vitest";
import { ShortNames } from "../../src/secrets/short-names.ts";

const names = new ShortNames({ redirectUri: "r", scopes: "p" });

it("names are short at every depth, and values stay what they are", () => {
  const value = { redirectUri: "redirectUri", others: [{ scopes: ["scopes", 5, null, true] }], unknown: { r2: "r" } };
  const short = { r: "redirectUri", others: [{ p: ["scopes", 5, null, true] }], unknown: { r2: "r" } };
  expect(names.shorten(value)).toEqual(short);
  expect(names.lengthen(short)).toEqual(value);
});

it("what was written with long names is read as well", () => {
  expect(names.lengthen({ redirectUri: "a", p: [] })).toEqual({ redirectUri: "a", scopes: [] });
});

it.each([["a text"], [5], [null], [true]])("%j is what it is", (value) => {
  expect(names.shorten(value)).toBe(value);
  expect(names.lengthen(value)).toBe(value);
});

it("a member that is called like the prototype stays a member", () => {
  const value: unknown = JSON.parse('{"__proto__":{"redirectUri":1},"scopes":[]}');
  const short = names.shorten(value);
  expect(JSON.stringify(short)).toBe('{"__proto__":{"r":1},"p":[]}');
  expect(Object.getPrototypeOf(short)).toBe(Object.prototype);
  expect(JSON.stringify(names.lengthen(short))).toBe(JSON.stringify(value));
});
