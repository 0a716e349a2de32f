import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { beforeDeadline } from "../../src/storage/deadline.ts";

const overdue = (): Error => new RangeError("overdue");
const never = new Promise<never>(() => {});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("a deadline in the past is over at once, and Node has nothing to warn of", async () => {
  const warnings = vi.spyOn(process, "emitWarning");
  await expect(beforeDeadline(-1, never, overdue)).rejects.toThrow(RangeError);
  expect(warnings).not.toHaveBeenCalled();
});

describe("a promise with a deadline", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  test("fails when the time is over, and not before", async () => {
    const outcome = vi.fn();
    beforeDeadline(100, never, overdue).catch(outcome);
    await vi.advanceTimersByTimeAsync(99);
    expect(outcome).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect(outcome).toHaveBeenCalledExactlyOnceWith(expect.any(RangeError));
  });

  test.each([
    ["an answer", () => Promise.resolve(1)],
    ["a failure", () => Promise.reject(new TypeError("failed"))],
  ])("gives %s on, and leaves no timer behind", async (_, answer) => {
    const [expected] = await Promise.allSettled([answer()]);
    expect(await Promise.allSettled([beforeDeadline(100, answer(), overdue)])).toEqual([expected]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
