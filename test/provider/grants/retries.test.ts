import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { LRUCache } from "lru-cache";
import { describe, expect, it, vi } from "vitest";
import { Retries } from "../../../src/provider/grants/retries.ts";
import { silentReporter } from "../../support/silent-reporter.ts";

/** A timer that a test lets come to its end. */
function manualTimers() {
  const set: { readonly milliseconds: number; readonly run: () => void }[] = [];
  const later = vi.fn((milliseconds: number, run: () => void): (() => void) => {
    const timer = { milliseconds, run };
    set.push(timer);
    return () => void (set.includes(timer) && set.splice(set.indexOf(timer), 1));
  });
  return { set, later };
}

/** What a test lets come to an end. */
function held() {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { ended, end: () => end() };
}

/** Everything that is under way here runs in microtasks. */
const turn = () => new Promise(setImmediate);

function retriesOf() {
  const state: { now: number; down: boolean; held?: Promise<void> } = { now: 1_000, down: true };
  const done: string[] = [];
  const lost: number[] = [];
  const { set: timers, later } = manualTimers();
  const retries = new Retries<string>({
    now: () => state.now,
    later,
    reporter: silentReporter(),
    longestPauseSeconds: 12,
    attempt: async (grantId, task) => {
      done.push(`${grantId} ${task}`);
      await state.held;
      if (state.down) throw new Error("The store is down.");
    },
    isHereOnly: (task) => task !== "stored",
    lose: (count) => void lost.push(count),
  });
  async function at(now: number): Promise<readonly string[]> {
    state.now = now;
    retries.begin();
    await turn();
    return done.splice(0);
  }
  /** Lets the one timer come to its end; answers after how many seconds that was. */
  async function wait(): Promise<number> {
    expect(timers).toHaveLength(1);
    const [timer] = timers.splice(0);
    const seconds = (timer?.milliseconds ?? Number.NaN) / 1000;
    state.now += seconds;
    timer?.run();
    await turn();
    return seconds;
  }
  return { retries, state, at, done, lost, timers, later, wait };
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
    const { ended: lasting, end } = held();
    const attempt = async (grantId: string) => {
      done.push(grantId);
      await lasting;
    };
    const retries = new Retries<string>({
      now: () => 1_000,
      later: manualTimers().later,
      reporter: silentReporter(),
      longestPauseSeconds: 12,
      attempt,
      isHereOnly: () => false,
      lose: () => {},
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
        later: manualTimers().later,
        reporter: silentReporter(),
        longestPauseSeconds: 12,
        attempt: async (grantId, task) => {
          attempted.push(task);
          if (task === "v2") return;
          retries.keep(grantId, "v2");
          if (how === "fails") throw new Error("The store is down.");
        },
        isHereOnly: () => true,
        lose: () => {},
      });
      retries.keep("grant", "v1");
      for (const newest of ["v2", undefined]) {
        retries.begin();
        await turn();
        expect(retries.get("grant")).toBe(newest);
      }
      expect(attempted).toEqual(["v1", "v2"]);
    },
  );

  it("costs a request nothing until some of it is due, however much there is", async () => {
    const { retries, at } = retriesOf();
    const walks = [vi.spyOn(LRUCache.prototype, "entries"), vi.spyOn(LRUCache.prototype, "values")];
    const countOf = () => walks.reduce((sum, walk) => sum + walk.mock.calls.length, 0);
    try {
      expect(await at(1_000)).toEqual([]);
      expect(countOf(), "nothing is kept").toBe(0);
      for (let index = 0; index < 5_000; index += 1) retries.keep(`grant ${index}`, "v1", 60 + index);
      // As long before the first is due as the longest pause is, and no longer.
      expect(await at(1_048)).toEqual([]);
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

describe("what an instance could not do, and no request comes", () => {
  it("is done by a timer, after pauses that grow", async () => {
    const { retries, state, done, timers, wait } = retriesOf();
    retries.keep("grant", "v1");
    const pauses: number[] = [];
    for (let times = 0; times < 5; times += 1) pauses.push(await wait());
    expect(pauses).toEqual([5, 5, 10, 12, 12]);
    expect(done.splice(0)).toEqual(Array(5).fill("grant v1"));
    state.down = false;
    await wait();
    expect(done).toEqual(["grant v1"]);
    expect(timers, "nothing is left to be done").toEqual([]);
  });

  it("has one timer, for what is due first, however much there is, and again after it was all done", async () => {
    const { retries, state, done, timers, wait } = retriesOf();
    state.down = false;
    retries.keep("late", "v1", 11);
    retries.keep("soon", "v1", 6);
    retries.keep("later", "v1", 12);
    expect(await wait()).toBe(6);
    expect(done.splice(0)).toEqual(["soon v1"]);
    for (const grantId of ["late", "later"]) retries.forget(grantId);
    await wait();
    expect([done, timers]).toEqual([[], []]);
    retries.keep("another", "v1", 7);
    expect(await wait()).toBe(7);
    expect(done).toEqual(["another v1"]);
  });

  it("has a timer for what comes to be due first, which nothing that is due later sets anew", () => {
    const { retries, state, timers } = retriesOf();
    retries.keep("late", "v1", 11);
    retries.keep("soon", "v1", 6);
    const [first] = timers;
    expect(first?.milliseconds).toBe(6_000);
    state.now += 1;
    retries.keep("later", "v1", 12);
    expect(timers).toHaveLength(1);
    expect(timers[0]).toBe(first);
  });

  it("has no timer while it is being done, and one again where that has failed", async () => {
    const { retries, state, timers, wait } = retriesOf();
    const { ended, end } = held();
    state.held = ended;
    retries.keep("grant", "v1", 6);
    await wait();
    expect(timers).toEqual([]);
    end();
    await turn();
    expect(await wait()).toBe(12);
  });

  it("is looked at again by a timer where a clock was set back so far that it is not due yet", async () => {
    const { retries, state, done, wait } = retriesOf();
    retries.keep("grant", "v1", 8);
    state.now -= 3;
    expect(await wait()).toBe(8);
    expect(done).toEqual([]);
    expect(await wait()).toBe(5);
    expect(done).toEqual(["grant v1"]);
  });

  it("is put off no longer by a clock that is set back", async () => {
    const { retries, state, at, done, wait } = retriesOf();
    retries.keep("grant", "v1", 8);
    state.now -= 3600;
    await wait();
    expect(done.splice(0)).toEqual(["grant v1"]);
    expect(await at(state.now - 3600), "by a request").toEqual(["grant v1"]);
  });
});

describe("the end of an instance", () => {
  it("tries once more, whatever is due, what is nowhere but here, and sets no timer any more", async () => {
    const { retries, state, done, lost, timers } = retriesOf();
    retries.keep("grant", "v1", 12);
    retries.keep("another", "stored", 12);
    state.down = false;
    await retries[Symbol.asyncDispose]();
    expect([done, lost, timers]).toEqual([["grant v1"], [], []]);
    retries.keep("after", "v1");
    expect(timers).toEqual([]);
  });

  it("tells what it has lost, once it has tried everything", async () => {
    const { retries, done, lost, timers } = retriesOf();
    for (let index = 0; index < 120; index += 1) retries.keep(`grant ${index}`, "v1");
    retries.keep("another", "stored");
    await retries[Symbol.asyncDispose]();
    expect(new Set(done).size).toBe(120);
    expect([done.length, lost, timers]).toEqual([120, [120], []]);
  });

  it("waits for five seconds, and no longer, for what does not come to an end", async () => {
    const lost: number[] = [];
    const { set: timers, later } = manualTimers();
    let tried = 0;
    const retries = new Retries<string>({
      now: () => 1_000,
      later,
      reporter: silentReporter(),
      longestPauseSeconds: 12,
      attempt: async () => {
        tried += 1;
        await new Promise(() => undefined);
      },
      isHereOnly: () => true,
      lose: (count) => void lost.push(count),
    });
    for (let index = 0; index < 120; index += 1) retries.keep(`grant ${index}`, "v1");
    const ended = retries[Symbol.asyncDispose]();
    await turn();
    expect(timers.map(({ milliseconds }) => milliseconds)).toEqual([5_000]);
    timers[0]?.run();
    await ended;
    expect(tried, "side by side, and not all at once").toBe(50);
    expect(lost).toEqual([120]);
  });

  it("begins nothing more once it has told what it has lost", async () => {
    const { retries, state, done, lost, timers } = retriesOf();
    const { ended, end } = held();
    Object.assign(state, { held: ended, down: false });
    for (let index = 0; index < 120; index += 1) retries.keep(`grant ${index}`, "v1");
    const over = retries[Symbol.asyncDispose]();
    await turn();
    timers[0]?.run();
    await over;
    end();
    await turn();
    expect([done.length, lost]).toEqual([50, [120]]);
  });

  it("waits for what is under way also where nothing is kept any more", async () => {
    const { retries, state, done } = retriesOf();
    const { ended, end } = held();
    state.held = ended;
    retries.keep("grant", "v1");
    retries.begin();
    retries.forget("grant");
    const over = retries[Symbol.asyncDispose]().then(() => done.push("the end"));
    await turn();
    expect(done).toEqual(["grant v1"]);
    end();
    await over;
    expect(done).toEqual(["grant v1", "the end"]);
  });

  it("asks for no time where there is nothing to be done", async () => {
    const { retries, later } = retriesOf();
    await retries[Symbol.asyncDispose]();
    expect(later).not.toHaveBeenCalled();
  });
});
