import { afterEach, expect, it, vi } from "vitest";
import { InMemoryRepository, retrying, StorageUnavailableError } from "../../src/index.ts";
import { intercepted } from "../support/intercepted-repository.ts";

afterEach(() => {
  vi.useRealTimers();
});

it("a pause before a call is tried again is one of the process's timers", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  let calls = 0;
  const inner = intercepted(new InMemoryRepository<string, string>(), async (run) => {
    calls += 1;
    if (calls === 1) throw new StorageUnavailableError("The test refuses.");
    return run();
  });
  const answer = retrying(inner, { firstPause: 100 }, { random: () => 1 }).get("a");
  await vi.advanceTimersByTimeAsync(99);
  expect(calls).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(calls).toBe(2);
  expect(await answer).toBeUndefined();
});
