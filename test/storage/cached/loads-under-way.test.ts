import { expect, test } from "vitest";
import { LoadsUnderWay } from "../../../src/storage/cached/loads-under-way.ts";
import { recordNames } from "../../../src/storage/cached/record-names.ts";

function loadsOf() {
  const names = recordNames("sha256");
  return { names, loads: new LoadsUnderWay<string>(names) };
}

test("a read is under way until it ends, and holds the name of its key for as long", () => {
  const { names, loads } = loadsOf();
  const load = loads.begin("a", 7);
  expect([load.key, load.startedAt, loads.get("a"), loads.has(load)]).toEqual(["a", 7, load, true]);
  expect(names.keyOf(load.name)).toBe("a");
  loads.end(load);
  expect([loads.get("a"), loads.has(load), names.keyOf(load.name)]).toEqual([undefined, false, undefined]);
});

test("a read that another has taken the place of ends by itself, and the name is held for the other alone", () => {
  const { names, loads } = loadsOf();
  const [first, second] = [loads.begin("a", 0), loads.begin("a", 1)];
  loads.end(first);
  expect([loads.has(first), loads.get("a"), names.keyOf(first.name)]).toEqual([false, second, "a"]);
  loads.end(second);
  expect([loads.get("a"), names.keyOf(first.name)]).toEqual([undefined, undefined]);
});

test("a read that is overtaken is forgotten, alone or with all others", () => {
  const { names, loads } = loadsOf();
  const [a, b, c] = [loads.begin("a", 0), loads.begin("b", 0), loads.begin("c", 0)];
  loads.overtake("a");
  loads.overtake("never begun");
  expect([a, b, c].map((load) => loads.has(load))).toEqual([false, true, true]);
  loads.overtakeAll();
  expect([a, b, c].map((load) => loads.has(load))).toEqual([false, false, false]);
  expect([a, b, c].map(({ name }) => names.keyOf(name))).toEqual([undefined, undefined, undefined]);
});
