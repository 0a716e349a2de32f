import { expect, test } from "vitest";
import { frozenRecord, requireKey, requireUtf8Key, requireUtf8Text } from "../../src/storage/record-checks.ts";

test.each([[""], [undefined], [null], [1], [["key"]]])("%j is no key", (key) => {
  expect(() => requireKey(key)).toThrow(expect.objectContaining({ code: "ERR_INVALID_KEY" }));
  expect(() => requireUtf8Key(key)).toThrow(expect.objectContaining({ code: "ERR_INVALID_KEY" }));
});

test("half of a surrogate pair is no key and no text for a store of UTF-8; a whole pair is both", () => {
  for (const half of ["a\ud83d", "\ude00b"]) {
    expect(() => requireUtf8Key(half)).toThrow(expect.objectContaining({ code: "ERR_INVALID_KEY" }));
    expect(() => requireUtf8Text(half)).toThrow(expect.objectContaining({ code: "ERR_INVALID_RECORD" }));
  }
  expect(() => requireUtf8Key("a\ud83d\ude00")).not.toThrow();
  expect(() => requireUtf8Text("")).not.toThrow();
});

test("undefined is no record, and every other plain value is", () => {
  expect(() => frozenRecord(undefined)).toThrow(expect.objectContaining({ code: "ERR_INVALID_RECORD" }));
  for (const value of [null, false, 0, "", [], {}]) expect(frozenRecord(value)).toEqual(value);
});
