import { describe, expect, test } from "vitest";
import { expiryOf, isExpired, readExpiresAt } from "../../src/storage/expiry.ts";

describe("the expiry of a record", () => {
  test("is its expiresAt", () => {
    expect(readExpiresAt({ expiresAt: 0 })).toBe(0);
  });

  test.each([
    undefined,
    null,
    "text with expiresAt",
    {},
    { expiresAt: undefined },
    { expiresAt: "0" },
    { expiresAt: Number.NaN },
    { expiresAt: Number.NEGATIVE_INFINITY },
    () => ({ expiresAt: 0 }),
    Object.assign(() => 0, { expiresAt: 0 }),
  ])("is none for %j", (record) => {
    expect(readExpiresAt(record)).toBeUndefined();
  });

  test("has come at its very moment", () => {
    expect([59_999, 60_000].map((now) => isExpired(60, now))).toEqual([false, true]);
    expect(isExpired(undefined, Number.MAX_SAFE_INTEGER)).toBe(false);
  });

  test("is judged by the time of day where no clock is given", () => {
    const isOver = expiryOf<{ expiresAt: number }>({});
    expect(isOver({ expiresAt: Date.now() / 1_000 - 60 })).toBe(true);
    expect(isOver({ expiresAt: Date.now() / 1_000 + 60 })).toBe(false);
  });
});
