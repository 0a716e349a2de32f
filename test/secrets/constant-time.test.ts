import { expect, it } from "vitest";
import { isSameText } from "../../src/secrets/constant-time.ts";

it.each([
  ["", "", true],
  ["abc", "abc", true],
  ["é", "é", true],
  ["abc", "abd", false],
  ["abc", "ab", false],
  ["abc", "", false],
  // As long in characters, not in bytes.
  ["é", "e", false],
  ["\u00e9", "e\u0301", false],
])("%j and %j are the same text: %j", (one, other, same) => {
  expect(isSameText(one, other)).toBe(same);
});
