import { describe, expect, it } from "vitest";
import { Retries } from "../../../src/provider/grants/retries.ts";

function retriesOf() {
  const state = { now: 1_000, down: true };
  const done: string[] = [];
  const retries = new Retries<string>({
    now: () => state.now,
    longestPauseSeconds: 12,
    attempt: async (grantId, task) => {
      done.push(`${grantId} ${task}`);
      if (state.down) throw new Error("The store is down.");
    },
  });
  async function at(now: number): Promise<readonly string[]> {
    state.now = now;
    retries.begin();
    await retries[Symbol.asyncDispose]();
    return done.splice(0);
  }
  return { retries, state, at };
}

describe("what an instance could not do", () => {
  it("is done when it is due, and forgotten once it is done", async () => {
    const { retries, state, at } = retriesOf();
    state.down = false;
    expect(await at(1_000)).toEqual([]);
    retries.keep("grant", "v1");
    retries.keep("late", "v1", 100);
    expect(await at(1_000)).toEqual(["grant v1"]);
    expect(await at(1_099)).toEqual([]);
    expect(retries.get("late")).toBe("v1");
    expect(await at(1_100)).toEqual(["late v1"]);
    expect(retries.get("late")).toBeUndefined();
    expect(await at(2_000)).toEqual([]);
  });

  it("is put off twice as long after each failure, from five seconds to the longest pause", async () => {
    const { retries, at } = retriesOf();
    retries.keep("grant", "v1");
    const tried: number[] = [];
    for (let second = 0; second <= 45; second += 1) {
      if ((await at(1_000 + second)).length > 0) tried.push(second);
    }
    expect(tried).toEqual([0, 5, 15, 27, 39]);
    expect(retries.get("grant")).toBe("v1");
  });

  it("is one task for each grant, the latest, and none where it was done otherwise", async () => {
    const { retries, at } = retriesOf();
    retries.keep("grant", "v1");
    retries.keep("grant", "v2");
    retries.keep("done", "v1");
    retries.forget("done");
    expect(await at(1_000)).toEqual(["grant v2"]);
  });

  it("is done by one caller at a time", async () => {
    const { retries, at } = retriesOf();
    retries.keep("grant", "v1");
    retries.begin();
    retries.begin();
    expect(await at(1_000)).toEqual(["grant v1"]);
  });
});
