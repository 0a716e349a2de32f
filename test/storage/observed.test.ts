import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, it, vi } from "vitest";
import { testRepository } from "../../src/conformance.ts";
import {
  CachedRepository,
  createInMemoryRepositories,
  InMemoryRepository,
  isEnumerable,
  observed,
  type Repository,
  type RepositoryCall,
  retrying,
  StorageTimeoutError,
  wrapRepositories,
} from "../../src/index.ts";
import { getFresh } from "../../src/storage/fresh-read.ts";
import { isMemoryReadable } from "../../src/storage/memory-read.ts";
import { intercepted } from "../support/intercepted-repository.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { buildRight, subjectOf } from "./conformance/text-repository.ts";

type Named = { readonly name: string };

/** Keeps what it is told; every look at its clock is one millisecond later than the one before. */
function listener() {
  const calls: RepositoryCall[] = [];
  let now = 0;
  return {
    calls,
    sink: { hasSubscribers: true, publish: (call: RepositoryCall) => calls.push(call) },
    clock: () => (now += 1),
  };
}

const ada = { name: "Ada" };

describe("what is told of a call", () => {
  const steps: readonly {
    readonly what: string;
    readonly run: (repository: Repository<string, Named>) => Promise<unknown>;
    readonly told: Omit<RepositoryCall, "duration">;
  }[] = [
    { what: "a get that finds", run: (one) => one.get("there"), told: { method: "get", outcome: "found" } },
    { what: "a get that does not", run: (one) => one.get("missing"), told: { method: "get", outcome: "absent" } },
    { what: "a take that finds", run: (one) => one.take("there"), told: { method: "take", outcome: "found" } },
    { what: "a take that does not", run: (one) => one.take("missing"), told: { method: "take", outcome: "absent" } },
    { what: "a delete that finds", run: (one) => one.delete("there"), told: { method: "delete", outcome: "found" } },
    { what: "a delete that does not", run: (one) => one.delete("a"), told: { method: "delete", outcome: "absent" } },
    { what: "a set", run: (one) => one.set("a", ada), told: { method: "set", outcome: "done" } },
    { what: "an add that writes", run: (one) => one.add("a", ada), told: { method: "add", outcome: "done" } },
    { what: "an add that does not", run: (one) => one.add("there", ada), told: { method: "add", outcome: "refused" } },
  ];
  it.each(steps)("$what", async ({ run, told }) => {
    const inner = new InMemoryRepository<string, Named>();
    await inner.set("there", ada);
    const { calls, sink, clock } = listener();
    await run(observed(inner, sink, clock));
    expect(calls).toStrictEqual([{ ...told, duration: 1 }]);
  });

  it("by the time of the process, where no other clock is given", async () => {
    const { calls, sink } = listener();
    await observed(new InMemoryRepository<string, Named>(), sink).get("a");
    expect(calls[0]?.duration).toBeGreaterThanOrEqual(0);
  });

  it("a fresh read that fails, which has no effect as no read has", async () => {
    const failing = Object.assign(new InMemoryRepository<string, Named>(), {
      getFresh: async () => {
        throw new StorageTimeoutError("The test gives no answer.");
      },
    });
    const { calls, sink, clock } = listener();
    await expect(getFresh(observed(failing, sink, clock), "a")).rejects.toThrow(StorageTimeoutError);
    expect(calls).toStrictEqual([{ method: "getFresh", outcome: "failed", code: "ERR_STORAGE_TIMEOUT", duration: 1 }]);
  });

  it("no age of a copy where a repository has something else of that name", async () => {
    const { calls, sink, clock } = listener();
    await observed(Object.assign(new InMemoryRepository<string, Named>(), { copyAge: 5 }), sink, clock).get("a");
    expect(calls).toStrictEqual([{ method: "get", outcome: "absent", duration: 1 }]);
  });

  it.each([
    ["get", undefined],
    ["set", "unknown"],
    ["delete", "unknown"],
    ["take", "unknown"],
    ["add", "unknown"],
  ] as const)("a %s that fails", async (method, effect) => {
    const failure = new StorageTimeoutError("The test gives no answer.");
    const inner = intercepted(new InMemoryRepository<string, Named>(), async () => {
      throw failure;
    });
    const { calls, sink, clock } = listener();
    const repository = observed(inner, sink, clock);
    await expect(repository[method]("a", ada)).rejects.toBe(failure);
    const told = { method, outcome: "failed", code: "ERR_STORAGE_TIMEOUT", duration: 1 };
    expect(calls).toEqual([effect === undefined ? told : { ...told, effect }]);
  });

  it("an error that is none of this package's", async () => {
    const { calls, sink, clock } = listener();
    const inner = intercepted(new InMemoryRepository<string, Named>(), async () => {
      throw new RangeError("odd");
    });
    await expect(observed(inner, sink, clock).get("a")).rejects.toThrow(RangeError);
    expect(calls).toEqual([{ method: "get", outcome: "failed", code: "ERR_UNEXPECTED", duration: 1 }]);
  });

  it("how old a cached copy was, and nothing for what the backend was asked", async () => {
    const clock = new ManualClock();
    const cache = new CachedRepository(new InMemoryRepository<string, Named>(), {
      max: 10,
      maxStaleness: 5_000,
      clock: clock.read,
    });
    const { calls, sink } = listener();
    const repository = observed(cache, sink);
    await repository.set("a", ada);
    clock.advance(1_200);
    await repository.get("a");
    clock.advance(5_000);
    await repository.get("a");
    await getFresh(repository, "a");
    expect(calls.map(({ method, staleness }) => [method, staleness])).toEqual([
      ["set", undefined],
      ["get", 1_200],
      ["get", undefined],
      ["getFresh", undefined],
    ]);
  });
});

it("measures nothing while nobody listens to the channel", async () => {
  const quiet = channel("test:quiet");
  let looks = 0;
  const repository = observed(new InMemoryRepository<string, Named>(), quiet, () => (looks += 1));
  await repository.set("a", ada);
  expect(looks).toBe(0);
  const heard: unknown[] = [];
  const hear = (call: unknown) => heard.push(call);
  subscribe("test:quiet", hear);
  await repository.get("a");
  unsubscribe("test:quiet", hear);
  await repository.get("a");
  expect(heard).toEqual([{ method: "get", outcome: "found", duration: 1 }]);
});

it("a record in memory is read without a word while nobody listens, and by a get while somebody does", async () => {
  const cache = new CachedRepository(new InMemoryRepository<string, Named>(), { max: 10, maxStaleness: 5_000 });
  const sink = { hasSubscribers: false, publish: () => undefined };
  const repository = observed(cache, sink);
  if (!isMemoryReadable(repository)) throw new Error("It shows nothing of its memory.");
  expect(repository.remembered("a")).toBeUndefined();
  await repository.set("a", ada);
  const record = repository.remembered("a");
  expect(record?.current()).toEqual(ada);
  sink.hasSubscribers = true;
  expect(record?.current()).toBeUndefined();
  expect(repository.remembered("b")).toBeUndefined();
  if (record !== undefined) record.note = "a note";
  expect([record?.note, cache.remembered("a")?.note]).toEqual(["a note", "a note"]);
  // To another wrapper a read of memory is nothing.
  const patient = retrying(cache);
  if (!isMemoryReadable(patient)) throw new Error("It shows nothing of its memory.");
  expect(patient.remembered("a")).toBe(cache.remembered("a"));
  expect(isMemoryReadable(observed(new InMemoryRepository(), sink))).toBe(false);
  const unreadable = Object.assign(new InMemoryRepository<string, Named>(), { remembered: "nothing" });
  expect(isMemoryReadable(unreadable)).toBe(false);
});

it("tells neither keys nor records", async () => {
  const { calls, sink } = listener();
  const repository = observed(new InMemoryRepository<string, Named>(), sink);
  await repository.set("a key to look for", { name: "a record to look for" });
  await repository.get("a key to look for");
  expect(JSON.stringify(calls)).not.toContain("to look for");
});

it("lets a listener that throws change no outcome", async () => {
  const defect = new Error("The listener throws.");
  const uncaught: (() => void)[] = [];
  vi.stubGlobal("queueMicrotask", (task: () => void) => uncaught.push(task));
  const sink = {
    hasSubscribers: true,
    publish: () => {
      throw defect;
    },
  };
  await expect(observed(new InMemoryRepository<string, Named>(), sink).get("a")).resolves.toBeUndefined();
  vi.unstubAllGlobals();
  expect(uncaught).toHaveLength(1);
  expect(uncaught[0]).toThrow(defect);
});

it("has the capabilities of what it wraps, and no others", async () => {
  const { sink } = listener();
  const lists = observed(new InMemoryRepository<string, Named>(), sink);
  expect(isEnumerable(lists)).toBe(true);
  const plain = intercepted(new InMemoryRepository<string, Named>(), (run) => run());
  const plainObserved = observed(plain, sink);
  expect(isEnumerable(plainObserved)).toBe(false);
  expect("getFresh" in plainObserved).toBe(false);
  expect(Symbol.asyncDispose in plainObserved).toBe(false);
});

it.each([undefined, null, {}, "a channel", { publish: () => undefined }, { hasSubscribers: true, publish: "a" }])(
  "refuses %s for a sink",
  (sink) => {
    const build = () => Reflect.apply(observed, undefined, [new InMemoryRepository(), sink]);
    expect(build).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  },
);

it("is put in front of every kind of record by one call", async () => {
  const told: string[] = [];
  const observedAll = wrapRepositories(createInMemoryRepositories(), (repository, name) =>
    observed(repository, { hasSubscribers: true, publish: ({ method }) => told.push(`${name} ${method}`) }),
  );
  for (const repository of Object.values(observedAll)) await repository.get("a");
  expect(told).toEqual(Object.keys(createInMemoryRepositories()).map((name) => `${name} get`));
});

testRepository(
  "an observed repository",
  () => {
    const { sink } = listener();
    return subjectOf((store, codec) => observed(buildRight(store, codec), sink));
  },
  { runner: { describe, it } },
);
