import { expect, test } from "vitest";
import { clockFinding } from "../../src/storage/clock-finding.ts";

test.each([
  [0, "ok"],
  [5.4, "ok"],
  [-5.4, "ok"],
  [5.5, "warning"],
  [-5.5, "warning"],
  [60.4, "warning"],
  [-60.4, "warning"],
  [60.5, "error"],
  [-60.5, "error"],
] as const)("a clock that is %d seconds ahead: %s", (ahead, status) => {
  expect(clockFinding("store-clock", "the store", ahead)).toMatchObject({ check: "store-clock", status });
});

test.each([
  [7, /7 seconds ahead of that of the store/],
  [-7, /7 seconds behind that of the store/],
])("%d seconds are told in the right direction", (ahead, words) => {
  const { what, why, remedy } = clockFinding("store-clock", "the store", ahead);
  expect(what).toMatch(words);
  expect([why, remedy]).toEqual([expect.stringMatching(/./), expect.stringMatching(/./)]);
});
