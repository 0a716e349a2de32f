import { beforeEach, describe, expect, it } from "vitest";
import {
  InvalidRecordError,
  StorageNotReplicatedError,
  StorageTimeoutError,
  StorageUnavailableError,
} from "../../../src/errors.ts";
import { InMemoryRepository, type Repository } from "../../../src/index.ts";
import { addOnce, allDone } from "../../../src/provider/tokens/add-once.ts";
import { failingOnce, intercepted } from "../../support/intercepted-repository.ts";

interface Named {
  readonly wrappedKey?: string;
  readonly redemption?: string;
}

const own: Named = { wrappedKey: "own key", redemption: "own attempt" };
let store: Repository<string, Named>;
beforeEach(() => {
  store = new InMemoryRepository<string, Named>();
});

/** A repository whose `add` throws and does nothing. */
const failingWith = (failure: Error) =>
  intercepted(store, async (run, { method }) => {
    if (method === "add") throw failure;
    return run();
  });

describe("a record that is added once", () => {
  it("is the caller's where nothing was there, and the other one's where something was", async () => {
    expect(await addOnce(store, "key", own)).toEqual({ isFirst: true, stored: own });
    const others = { ...own, wrappedKey: "other key" };
    expect(await addOnce(store, "key", others)).toEqual({ isFirst: false, stored: own });
  });

  it.each([
    ["its own", own, true],
    ["one with another key", { ...own, wrappedKey: "other key" }, false],
    ["one of another attempt", { ...own, redemption: "other attempt" }, false],
    ["one with nothing of its own", {}, false],
  ])("is told by what is there where the answer is lost: %s", async (_, there, isFirst) => {
    await store.set("key", there);
    const lost = failingWith(new StorageTimeoutError("The test gives no answer."));
    expect(await addOnce(lost, "key", own)).toEqual({ isFirst, stored: there });
  });

  it("is nobody's where the answer is lost and nothing is there", async () => {
    const { repository, failNext } = failingOnce(store);
    failNext("add", "before");
    await expect(addOnce(repository, "key", own)).rejects.toMatchObject({ code: "ERR_STORAGE_TIMEOUT" });
  });

  it.each([
    new StorageUnavailableError("The test was not even asked.", { effect: "none" }),
    new InvalidRecordError("The test does not take this."),
    new StorageNotReplicatedError("The test has no replica.", { replicas: 0 }),
  ])("was not added, or not safely, where the store says so, whatever is there: $code", async (failure) => {
    await store.set("key", own);
    await expect(addOnce(failingWith(failure), "key", own)).rejects.toBe(failure);
  });
});

describe("writes that are waited for together", () => {
  it("are all at their end before the failure of one is told", async () => {
    let isDone = false;
    const slow = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      isDone = true;
    });
    const failure = new Error("The test fails.");
    await expect(allDone([Promise.reject(failure), slow])).rejects.toBe(failure);
    expect(isDone).toBe(true);
  });

  it("give what each gives", async () => {
    expect(await allDone([Promise.resolve(1), undefined, "two"])).toEqual([1, undefined, "two"]);
  });
});
