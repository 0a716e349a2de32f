import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CallDeadlines, Expiring } from "../../../src/storage/redis/call-deadlines.ts";

const timeout = 1_000;

/** A call that says what becomes of it. */
class NamedCall extends Expiring {
  readonly name: string;
  readonly #told: string[];

  constructor(name: string, told: string[]) {
    super();
    this.name = name;
    this.#told = told;
  }

  override expire(): void {
    this.#told.push(`${this.name} expired`);
  }

  override close(): void {
    this.#told.push(`${this.name} closed`);
  }
}

let told: string[];
let deadlines: CallDeadlines;
let calls: NamedCall[];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate", "clearImmediate", "performance"] });
  told = [];
  deadlines = new CallDeadlines(timeout);
  calls = ["a", "b", "c"].map((name) => new NamedCall(name, told));
});
afterEach(() => {
  deadlines.stop();
  vi.useRealTimers();
});

const underWay = (): string =>
  [...deadlines.underWay()].map((call) => calls.find((each) => each === call)?.name).join("");
const remove = (name: string): void => {
  for (const call of calls) if (call.name === name) deadlines.remove(call);
};

describe("the calls under way", () => {
  test.each([
    ["", "abc"],
    ["a", "bc"],
    ["b", "ac"],
    ["c", "ab"],
    ["ab", "c"],
    ["ba", "c"],
    ["ac", "b"],
    ["ca", "b"],
    ["bc", "a"],
    ["cb", "a"],
    ["abc", ""],
    ["bca", ""],
    ["aab", "c"],
    ["bbb", "ac"],
  ])("without those that have their answer, %j, are %j, and later ones come behind", async (answered, left) => {
    for (const call of calls) deadlines.add(call);
    for (const name of answered) remove(name);
    expect([underWay(), deadlines.isEmpty]).toEqual([left, left === ""]);
    const late = new NamedCall("d", told);
    calls.push(late);
    deadlines.add(late);
    expect(underWay()).toBe(`${left}d`);
    await vi.advanceTimersByTimeAsync(timeout + 2);
    expect(told).toEqual([...`${left}d`].map((name) => `${name} expired`));
    expect([underWay(), deadlines.isEmpty]).toEqual(["", true]);
  });

  test("are closed in the order of their starts, also where each leaves as it is closed", () => {
    for (const call of calls) deadlines.add(call);
    for (const call of calls) {
      vi.spyOn(call, "close").mockImplementation(() => {
        told.push(call.name);
        deadlines.remove(call);
      });
    }
    deadlines.closeAll();
    expect(told).toEqual(["a", "b", "c"]);
    expect(deadlines.isEmpty).toBe(true);
  });

  test("are the same as in a plain set, whatever comes and goes", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 9 }), { maxLength: 40 }), (steps) => {
        const own = new CallDeadlines(timeout);
        const plain = new Set<Expiring>();
        const many = Array.from({ length: 10 }, (_, index) => new NamedCall(String(index), told));
        for (const step of steps) {
          const call = many[step];
          if (call === undefined) continue;
          if (plain.delete(call)) {
            own.remove(call);
          } else {
            plain.add(call);
            own.add(call);
          }
          expect([...own.underWay()]).toEqual([...plain]);
        }
        own.stop();
      }),
      { seed: 27_112, numRuns: 200 },
    );
  });

  test("may come back once they have their answer, with the whole time", async () => {
    const [call] = calls;
    if (call === undefined) throw new Error("There are three.");
    deadlines.add(call);
    await vi.advanceTimersByTimeAsync(timeout / 2);
    deadlines.remove(call);
    deadlines.add(call);
    await vi.advanceTimersByTimeAsync(timeout - 60);
    expect(told).toEqual([]);
    await vi.advanceTimersByTimeAsync(62);
    expect(told).toEqual(["a expired"]);
  });
});

describe("a deadline", () => {
  test("is past one tick before the timeout, and not at that moment", async () => {
    for (const call of calls) deadlines.add(call);
    await vi.advanceTimersByTimeAsync((timeout * 19) / 20 + 2);
    expect(told).toEqual([]);
    // What a tick finds is done once answers that came meanwhile were read.
    await vi.advanceTimersByTimeAsync(timeout / 20 + 2);
    expect(told).toEqual(["a expired", "b expired", "c expired"]);
  });

  test("ends only the calls that have reached it", async () => {
    for (const call of calls) {
      deadlines.add(call);
      await vi.advanceTimersByTimeAsync(timeout / 4);
    }
    await vi.advanceTimersByTimeAsync(timeout / 4 + 2);
    expect(told).toEqual(["a expired"]);
    expect(underWay()).toBe("bc");
    await vi.advanceTimersByTimeAsync(timeout / 4);
    expect(told).toEqual(["a expired", "b expired"]);
  });

  test("of a few milliseconds is looked at once a millisecond", async () => {
    const timers = vi.spyOn(globalThis, "setTimeout");
    const short = new CallDeadlines(5);
    for (const call of calls) short.add(call);
    expect(timers.mock.calls.map(([, delay]) => delay)).toEqual([1]);
    await vi.advanceTimersByTimeAsync(7);
    expect(told).toEqual(["a expired", "b expired", "c expired"]);
    timers.mockRestore();
  });

  test("is nobody's once the timer was stopped", async () => {
    for (const call of calls) deadlines.add(call);
    deadlines.stop();
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(2 * timeout);
    expect(told).toEqual([]);
  });
});
