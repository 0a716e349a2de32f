import { expect, it } from "vitest";
import { isUnset } from "../../../src/provider/oauth/unset-value.ts";

it.each(["", "undefined", "null", "None"])("%j says that there is nothing", (text) => {
  expect(isUnset(text)).toBe(true);
});

it.each([" ", "Undefined", "none", "nil", "0", "null "])("%j says something", (text) => {
  expect(isUnset(text)).toBe(false);
});
