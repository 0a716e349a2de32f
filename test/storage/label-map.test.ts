import { expect, test } from "vitest";
import { LabelMap } from "../../src/storage/label-map.ts";

const entry = (...labels: (string | undefined)[]) => ({ scheme: "plain", labels });
const query = (position: number, ...labels: string[]) => ({ position, labels });

test("keys are found by each of their labels, at its place among the indexes", () => {
  const map = new LabelMap<string>();
  map.add("a", entry("one", "two"));
  map.add("b", entry("one", undefined));
  expect(map.find(query(0, "one"))).toEqual(["a", "b"]);
  expect(map.find(query(1, "two"))).toEqual(["a"]);
  expect(map.find(query(0, "two", "none", "one"))).toEqual(["a", "b"]);
  expect([map.find(query(1, "one")), map.find(query(1, "undefined")), map.find(query(2, "two"))]).toEqual([[], [], []]);
});

test("keys that lose their labels are not found by them, and others are", () => {
  const map = new LabelMap<string>();
  map.add("a", entry("one"));
  map.add("b", entry("one"));
  map.remove("a", entry("one"));
  expect(map.find(query(0, "one"))).toEqual(["b"]);
  map.remove("b", entry("one"));
  // What has no labels, or has lost them before, has none to lose.
  map.remove("b", entry("one"));
  map.remove("b", undefined);
  expect(map.find(query(0, "one"))).toEqual([]);
  map.add("c", undefined);
  map.add("b", entry("one"));
  expect(map.find(query(0, "one"))).toEqual(["b"]);
});
