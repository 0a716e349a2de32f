import { describe, expect, it } from "vitest";
import { testRepository } from "../../src/conformance.ts";
import {
  CachedRepository,
  ConfigurationError,
  CorruptRecordError,
  InMemoryRepository,
  InvalidKeyError,
  observed,
  type Repository,
  retrying,
  StorageClosedError,
  StorageRateLimitedError,
  StorageRejectedError,
  StorageTimeoutError,
  StorageUnauthorizedError,
  StorageUnavailableError,
} from "../../src/index.ts";
import { getFresh } from "../../src/storage/fresh-read.ts";
import { intercepted, type Method } from "../support/intercepted-repository.ts";
import { buildRight, subjectOf } from "./conformance/text-repository.ts";

type Named = { readonly name: string };
const ada = { name: "Ada" };
const noEffect = { effect: "none" } as const;

/** A repository whose first calls fail with what the test says, and a count of the calls that reached it. */
function failingWith(...failures: readonly Error[]) {
  const left = [...failures];
  const calls: Method[] = [];
  const inner = intercepted(new InMemoryRepository<string, Named>(), async (run, { method }) => {
    calls.push(method);
    const failure = left.shift();
    if (failure !== undefined) throw failure;
    return run();
  });
  const pauses: number[] = [];
  const internals = { delay: async (pause: number) => pauses.push(pause), random: () => 0.5 };
  return { inner, calls, pauses, internals };
}

const runs: Readonly<Record<Method, (repository: Repository<string, Named>) => Promise<unknown>>> = {
  get: (one) => one.get("a"),
  set: (one) => one.set("a", ada),
  delete: (one) => one.delete("a"),
  take: (one) => one.take("a"),
  add: (one) => one.add("a", ada),
};
const methods: readonly Method[] = ["get", "set", "delete", "take", "add"];

describe("what is tried again", () => {
  const failures: readonly { readonly what: string; readonly failure: Error; readonly again: readonly Method[] }[] = [
    { what: "an outage without effect", failure: new StorageUnavailableError("out", noEffect), again: methods },
    { what: "a rate limit without effect", failure: new StorageRateLimitedError("slow", noEffect), again: methods },
    { what: "a timeout without effect", failure: new StorageTimeoutError("late", noEffect), again: methods },
    { what: "an outage of unknown effect", failure: new StorageUnavailableError("out"), again: ["get"] },
    { what: "a timeout of unknown effect", failure: new StorageTimeoutError("late"), again: ["get"] },
    { what: "wrong credentials", failure: new StorageUnauthorizedError("no", noEffect), again: [] },
    { what: "a refusal", failure: new StorageRejectedError("no", noEffect), again: [] },
    { what: "a closed repository", failure: new StorageClosedError("closed", noEffect), again: [] },
    { what: "a corrupt record", failure: new CorruptRecordError("corrupt"), again: [] },
    { what: "a wrong key", failure: new InvalidKeyError("empty"), again: [] },
    { what: "an error of nobody's", failure: new RangeError("odd"), again: [] },
  ];
  const table = failures.flatMap(({ what, failure, again }) =>
    methods.map((method) => ({ what, failure, method, isRepeated: again.includes(method) })),
  );
  it.each(table)("$method after $what: $isRepeated", async ({ failure, method, isRepeated }) => {
    const { inner, calls, internals } = failingWith(failure);
    const answer = runs[method](retrying(inner, {}, internals));
    if (isRepeated) await answer;
    else await expect(answer).rejects.toBe(failure);
    expect(calls).toHaveLength(isRepeated ? 2 : 1);
  });

  it("a fresh read of a cache", async () => {
    const { inner, calls, internals } = failingWith(new StorageUnavailableError("out"));
    const cache = new CachedRepository(inner, { max: 1, maxStaleness: 1_000 });
    await expect(getFresh(retrying(cache, {}, internals), "a")).resolves.toBeUndefined();
    expect(calls).toEqual(["get", "get"]);
  });
});

describe("how often and how long", () => {
  const out = new StorageUnavailableError("out");

  it("as often as attempts says, with pauses that double", async () => {
    const { inner, calls, pauses, internals } = failingWith(out, out, out, out, out);
    await expect(runs.get(retrying(inner, { attempts: 4, firstPause: 100 }, internals))).rejects.toBe(out);
    expect(calls).toHaveLength(4);
    expect(pauses).toEqual([50, 100, 200]);
  });

  it("not at all with one attempt", async () => {
    const { inner, calls, internals } = failingWith(out);
    await expect(runs.get(retrying(inner, { attempts: 1 }, internals))).rejects.toBe(out);
    expect(calls).toHaveLength(1);
  });

  it("as long as the store asks", async () => {
    const limited = new StorageRateLimitedError("slow", { retryAfterSeconds: 1.5 });
    const { inner, pauses, internals } = failingWith(limited);
    await runs.get(retrying(inner, {}, internals));
    expect(pauses).toEqual([1_500]);
  });

  it("not where the pauses would be longer than allowed", async () => {
    const limited = new StorageRateLimitedError("slow", { retryAfterSeconds: 60 });
    const { inner, calls, pauses, internals } = failingWith(limited);
    await expect(runs.get(retrying(inner, {}, internals))).rejects.toBe(limited);
    expect([calls.length, pauses.length]).toEqual([1, 0]);
  });

  it("up to the longest pause of all together", async () => {
    const limited = new StorageRateLimitedError("slow", { retryAfterSeconds: 1 });
    const { inner, pauses, internals } = failingWith(limited, limited, limited, limited);
    await expect(runs.get(retrying(inner, { attempts: 9, maxPause: 2_000 }, internals))).rejects.toBe(limited);
    expect(pauses).toEqual([1_000, 1_000]);
  });
});

it.each([
  { attempts: 0 },
  { attempts: 1.5 },
  { attempts: Number.NaN },
  { firstPause: 0 },
  { firstPause: -1 },
  { firstPause: Number.NaN },
  { maxPause: Number.POSITIVE_INFINITY },
  { firstPause: 100, maxPause: 99 },
  { firstPause: 0.5 },
  { tries: 3 },
])("refuses %o", (options) => {
  expect(() => retrying(new InMemoryRepository(), options)).toThrow(ConfigurationError);
});

it("takes every option that there is, and a longest pause that is no longer than the first", () => {
  expect(() => retrying(new InMemoryRepository(), { attempts: 1, firstPause: 100, maxPause: 100 })).not.toThrow();
});

it("refuses a repository that tries again already, whatever lies between them", () => {
  const inner = retrying(new InMemoryRepository<string, Named>());
  const sink = { hasSubscribers: false, publish: () => undefined };
  const cache = new CachedRepository(inner, { max: 5, maxStaleness: 5_000 });
  for (const repository of [inner, observed(inner, sink), cache, observed(cache, sink)]) {
    expect(() => retrying(repository)).toThrow(ConfigurationError);
  }
  expect(() => retrying(observed(new InMemoryRepository<string, Named>(), sink))).not.toThrow();
});

testRepository(
  "a retrying repository",
  () => subjectOf((store, codec) => retrying(buildRight(store, codec), {}, { delay: async () => {} })),
  { runner: { describe, it } },
);
