import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { LRUCache } from "lru-cache";
import { describe, expect, it, vi } from "vitest";
import { Retries } from "../../../src/provider/grants/retries.ts";
import { silentReporter } from "../../support/silent-reporter.ts";

function retriesOf() {
  const state = { now: 1_000, down: true };
  const done: string[] = [];
  const retries = new Retries<string>({
    now: () => state.now,
    reporter: silentReporter(),
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

  it("is done one after the other, whoever begins, and not where it was done otherwise meanwhile", async () => {
    const done: string[] = [];
    let end = (): void => {};
    const held = new Promise<void>((resolve) => {
      end = resolve;
    });
    const attempt = async (grantId: string) => {
      done.push(grantId);
      await held;
    };
    const retries = new Retries<string>({
      now: () => 1_000,
      reporter: silentReporter(),
      longestPauseSeconds: 12,
      attempt,
    });
    for (const grantId of ["one", "two", "three"]) retries.keep(grantId, "v1");
    for (let times = 0; times < 3; times += 1) {
      retries.begin();
      await new Promise(setImmediate);
    }
    expect(done).toHaveLength(1);
    const [other = "", last] = ["one", "two", "three"].filter((grantId) => !done.includes(grantId));
    retries.forget(other);
    const ended = retries[Symbol.asyncDispose]().then(() => done.push("the end"));
    await new Promise(setImmediate);
    expect(done, "whoever waits for what is under way").toHaveLength(1);
    end();
    await ended;
    expect(done.slice(1)).toEqual([last, "the end"]);
  });

  it.each(["is done", "fails"])(
    "is kept as the latest one where a newer task comes while the older one %s",
    async (how) => {
      const attempted: string[] = [];
      const retries = new Retries<string>({
        now: () => 1_000,
        reporter: silentReporter(),
        longestPauseSeconds: 12,
        attempt: async (grantId, task) => {
          attempted.push(task);
          if (task === "v2") return;
          retries.keep(grantId, "v2");
          if (how === "fails") throw new Error("The store is down.");
        },
      });
      retries.keep("grant", "v1");
      for (const newest of ["v2", undefined]) {
        retries.begin();
        await retries[Symbol.asyncDispose]();
        expect(retries.get("grant")).toBe(newest);
      }
      expect(attempted).toEqual(["v1", "v2"]);
    },
  );

  it("costs a request nothing until some of it is due, however much there is", async () => {
    const { retries, at } = retriesOf();
    for (let index = 0; index < 5_000; index += 1) retries.keep(`grant ${index}`, "v1", 60 + index);
    const walks = [vi.spyOn(LRUCache.prototype, "entries"), vi.spyOn(LRUCache.prototype, "values")];
    const countOf = () => walks.reduce((sum, walk) => sum + walk.mock.calls.length, 0);
    try {
      for (let request = 0; request < 100; request += 1) expect(await at(1_059)).toEqual([]);
      expect(countOf()).toBe(0);
      expect(await at(1_060)).toEqual(["grant 0 v1"]);
      const once = countOf();
      // Put off by the longest pause, it is behind others that are due before it.
      for (let request = 0; request < 100; request += 1) expect(await at(1_060.5)).toEqual([]);
      expect(countOf()).toBe(once);
      expect(await at(1_062)).toEqual(["grant 2 v1", "grant 1 v1"]);
    } finally {
      for (const walk of walks) walk.mockRestore();
    }
  });

  it("is told of as an outage each time that it could not be done", async () => {
    const { retries, state, at } = retriesOf();
    const told: unknown[] = [];
    const listen = (event: unknown) => void told.push(event);
    subscribe("pangea-authn-fastmcp:outage", listen);
    try {
      retries.keep("grant", "v1");
      await at(1_000);
      await at(1_005);
      state.down = false;
      await at(1_100);
    } finally {
      unsubscribe("pangea-authn-fastmcp:outage", listen);
    }
    expect(told).toHaveLength(2);
  });
});
