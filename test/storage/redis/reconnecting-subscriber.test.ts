import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { connected, ReconnectingSubscriber } from "../../../src/storage/redis/reconnecting-subscriber.ts";

/** A connection that comes up, or fails, when the test says so. */
class ScriptedSubscriber extends ReconnectingSubscriber {
  readonly steps: string[] = [];
  error: unknown = new Error("refused");

  async connect(): Promise<void> {
    this.steps.push("connect");
  }

  protected giveUp(): void {
    this.steps.push("give up");
  }

  comeUp(): void {
    this.ready();
  }

  fail(): void {
    this.failed(this.error);
    this.connectLater();
  }
}

let subscriber: ScriptedSubscriber;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  // The longest wait of each attempt.
  vi.spyOn(Math, "random").mockReturnValue(1);
  subscriber = new ScriptedSubscriber();
  for (const event of ["ready", "close"]) subscriber.on(event, () => subscriber.steps.push(event));
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("a connection that fails", () => {
  test("is made anew later from failure to failure, and soon again once it was there", async () => {
    for (const wait of [50, 100, 200]) {
      subscriber.fail();
      await vi.advanceTimersByTimeAsync(wait - 1);
      expect(subscriber.steps).toEqual(["close"]);
      await vi.advanceTimersByTimeAsync(1);
      expect(subscriber.steps).toEqual(["close", "connect"]);
      subscriber.steps.length = 0;
    }
    subscriber.comeUp();
    subscriber.fail();
    await vi.advanceTimersByTimeAsync(50);
    expect(subscriber.steps).toEqual(["ready", "close", "connect"]);
  });

  test("is made anew once, however often it is said to have failed, and keeps no process running", async () => {
    const timers = vi.spyOn(globalThis, "setTimeout");
    subscriber.fail();
    subscriber.fail();
    expect(vi.getTimerCount()).toBe(1);
    expect(timers.mock.results.map(({ value }) => value.hasRef())).toEqual([false, false]);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(subscriber.steps).toEqual(["close", "close", "connect"]);
  });

  test("says why to whoever hears it, and needs nobody who does", () => {
    expect(() => subscriber.fail()).not.toThrow();
    const heard: unknown[] = [];
    const hear = (error: unknown): void => void heard.push(error);
    subscriber.on("error", hear);
    expect(subscriber.listeners("error")).toEqual([hear]);
    subscriber.fail();
    subscriber.off("error", hear);
    expect(() => subscriber.fail()).not.toThrow();
    expect(heard).toEqual([subscriber.error]);
    expect(subscriber.listeners("error")).toEqual([]);
  });
});

describe("a connection that is left", () => {
  test("for good is not made anew, whatever fails later", async () => {
    subscriber.fail();
    expect(subscriber.hasEnded).toBe(false);
    subscriber.disconnect();
    expect(subscriber.hasEnded).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
    subscriber.fail();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(subscriber.steps).toEqual(["close", "give up", "close", "close"]);
  });

  test("for another is made anew", async () => {
    subscriber.disconnect(true);
    expect(subscriber.hasEnded).toBe(false);
    expect(subscriber.steps).toEqual(["give up", "close"]);
    await vi.advanceTimersByTimeAsync(50);
    expect(subscriber.steps).toEqual(["give up", "close", "connect"]);
  });
});

test("a client that is not there is an error that says that nothing was written", () => {
  const client = {};
  expect(connected(client)).toBe(client);
  expect(() => connected(undefined)).toThrow(Error);
});
