import { expect, test } from "vitest";
import { sha256Name } from "../../../src/storage/cached/invalidation.ts";
import { recordNames } from "../../../src/storage/cached/record-names.ts";

test("a hash leads to its key until everybody has released it who holds it", () => {
  const names = recordNames("sha256");
  const name = names.hold("a");
  expect(name).toBe(sha256Name("a"));
  expect(names.hold("a")).toBe(name);
  names.retain(name);
  for (const key of ["a", "a", "a", undefined]) {
    expect(names.keyOf(name)).toBe(key);
    names.release(name);
  }
  names.retain(name);
  expect(names.keyOf(name)).toBeUndefined();
});

test.each(["key", undefined] as const)("a key is its own name, and needs nobody to hold it: %s", (form) => {
  const names = recordNames(form);
  expect(names.hold("a")).toBe("a");
  names.retain("a");
  names.release("a");
  names.release("a");
  expect([names.keyOf("a"), names.keyOf("b")]).toEqual(["a", "b"]);
});
