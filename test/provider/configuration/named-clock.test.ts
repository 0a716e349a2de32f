import { expect, it } from "vitest";
import { namedClock } from "../../../src/provider/configuration/named-clock.ts";
import { ManualClock } from "../../support/manual-clock.ts";

it.each<[string, number[], number]>([
  ["stands still", [0, 0], 1],
  ["goes on", [1, 500, 1e9], 1],
  ["was set back by a millisecond", [-1], 2],
  ["was set back, and goes on", [-60_000, 1, 30_000, 60_000], 2],
  ["was set back twice", [-60_000, 30_000, -1, 90_000], 3],
])("a clock that %s has a name for each time in which it went on", (_, steps, expected) => {
  const clock = new ManualClock();
  const { clockName, now } = namedClock(clock.read);
  const names = [clockName()];
  for (const step of steps) {
    clock.advance(step);
    // Whoever reads the time notices it, and whoever asks for the name does.
    if (names.length % 2 === 0) expect(now()).toBe(clock.seconds());
    names.push(clockName());
  }
  expect(new Set(names).size).toBe(expected);
  expect(names.at(-1)).toMatch(/^[\w-]{12}$/);
});

it("two clocks have two names", () => {
  const { read } = new ManualClock();
  expect(namedClock(read).clockName()).not.toBe(namedClock(read).clockName());
});

it("a clock that was set back between two readings has another name, however late it is again", () => {
  const clock = new ManualClock();
  const { clockName, now } = namedClock(clock.read);
  const before = clockName();
  clock.advance(-1);
  now();
  clock.advance(1);
  expect(clockName()).not.toBe(before);
});
