import { expect, test } from "vitest";
import { everything, UnsentMessages } from "../../../src/storage/cached/unsent-messages.ts";

function kept(max: number, ...messages: readonly string[]): UnsentMessages {
  const unsent = new UnsentMessages(max);
  for (const message of messages) unsent.add(message);
  return unsent;
}

test("are given out in the order in which they came, each once, and then no more", () => {
  const unsent = kept(10, "a", "b", "a", "c");
  expect(unsent.isEmpty).toBe(false);
  expect(unsent.takeAll()).toEqual(["a", "b", "c"]);
  expect(unsent.isEmpty).toBe(true);
  expect(unsent.takeAll()).toEqual([]);
});

test("that were given out in vain come before those since", () => {
  const unsent = kept(10, "a", "b");
  const given = unsent.takeAll();
  unsent.add("c");
  unsent.add("a");
  unsent.putBack(given);
  expect(unsent.takeAll()).toEqual(["a", "b", "c"]);
});

test("that stand for all take the place of those that are there, in the word that instances of other versions know", () => {
  expect(kept(10, "a", everything, "b").takeAll()).toEqual(["*"]);
});

test("that are too many become one, which stands for what comes after it too", () => {
  const unsent = kept(3, "a", "b", "c");
  expect(unsent.takeAll()).toEqual(["a", "b", "c"]);
  const full = kept(3, "a", "b", "c", "d");
  full.add("e");
  expect(full.takeAll()).toEqual([everything]);
  full.add("f");
  full.putBack([everything]);
  expect(full.takeAll()).toEqual([everything]);
  full.putBack(["a", "b", "c", "d"]);
  expect(full.takeAll()).toEqual([everything]);
});
