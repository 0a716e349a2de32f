import { expect, test } from "vitest";
import { remainingLife } from "../../../src/storage/redis/remaining-life.ts";

const now = 1_700_000_000_000;

test.each([
  ["does not expire", undefined, undefined],
  ["expires in a second", 1_700_000_001, 1_000],
  ["expires in a part of a millisecond, which counts as a whole one", 1_700_000_000.000_4, 1],
  ["expires now", 1_700_000_000, 1],
  ["has expired", 1_600_000_000, 1],
  ["expires later than Redis can count", Number.MAX_SAFE_INTEGER, undefined],
  ["never expires", Number.POSITIVE_INFINITY, undefined],
])("Redis keeps a record that %s, at %s, for %s ms", (_, expiresAt, life) => {
  expect(remainingLife(expiresAt, now)).toBe(life);
});

test("Redis keeps a record for as long as it can count", () => {
  const most = Number.MAX_SAFE_INTEGER;
  expect(remainingLife(0, -most)).toBe(most);
  expect(remainingLife(0, -most - 1)).toBeUndefined();
});
