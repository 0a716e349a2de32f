import { expect, test } from "vitest";
import { WritesUnderWay } from "../../../src/storage/cached/writes-under-way.ts";

type Step = "begin" | "end" | "disturb" | "disturb all";

/** Whether a write had its key to itself, where this has happened between its beginning and its end. */
function isAlone(...between: readonly Step[]): boolean {
  const writes = new WritesUnderWay();
  const token = writes.begin("a");
  const others: number[] = [];
  for (const step of between) {
    if (step === "begin") others.push(writes.begin("a"));
    else if (step === "end") writes.end("a", others.shift() ?? 0);
    else if (step === "disturb") writes.disturb("a");
    else writes.disturbAll();
  }
  return writes.end("a", token);
}

test("a write is alone where nothing else happens to its key", () => {
  expect(isAlone()).toBe(true);
});

test.each<Step[][]>([
  [["begin"]],
  [["begin", "end"]],
  [["begin", "begin", "end", "end"]],
  [["disturb"]],
  [["begin", "disturb", "disturb", "end"]],
  [["disturb all"]],
  [["begin", "disturb all", "disturb all", "end"]],
])("a write is not alone where this happens meanwhile: %j", (between) => {
  expect(isAlone(...between)).toBe(false);
});

test("neither of two writes that overlap is alone, whichever ends first", () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const writes = new WritesUnderWay();
    const tokens = [writes.begin("a"), writes.begin("a")];
    const ends = order.map((index) => [writes.end("a", tokens[index] ?? 0), writes.has("a")]);
    expect(ends, "whether it was alone, and whether another is under way").toEqual([
      [false, true],
      [false, false],
    ]);
  }
});

test("a write that has not begun was not alone, and nothing is there of a key that is disturbed without one", () => {
  const writes = new WritesUnderWay();
  writes.disturb("a");
  expect([writes.end("a", 0), writes.end("a", 1), writes.has("a")]).toEqual([false, false, false]);
});

test("what happens to another key disturbs no write, and a key without a write has none", () => {
  const writes = new WritesUnderWay();
  const token = writes.begin("a");
  writes.disturb("b");
  writes.end("b", writes.begin("b"));
  expect([writes.has("a"), writes.has("b")]).toEqual([true, false]);
  expect(writes.end("a", token)).toBe(true);
});
