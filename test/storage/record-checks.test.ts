import { expect, test } from "vitest";
import { frozenRecord, requireKey } from "../../src/storage/record-checks.ts";

test.each([[""], [undefined], [null], [1], [["key"]]])("%j is no key", (key) => {
  expect(() => requireKey(key)).toThrow(expect.objectContaining({ code: "ERR_INVALID_KEY" }));
});

test("undefined is no record, and every other plain value is", () => {
  expect(() => frozenRecord(undefined)).toThrow(expect.objectContaining({ code: "ERR_INVALID_RECORD" }));
  for (const value of [null, false, 0, "", [], {}]) expect(frozenRecord(value)).toEqual(value);
});
