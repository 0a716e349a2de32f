import { describe, expect, it } from "vitest";
import {
  type CopyRepositoryOptions,
  CorruptRecordError,
  copyRepositories,
  copyRepository,
  createInMemoryRepositories,
  InMemoryRepository,
  InvalidKeyError,
  InvalidRecordError,
  RecordTooLargeError,
  type Repository,
  StorageUnavailableError,
  UnreadableRecordsError,
} from "../../src/index.ts";
import { intercepted } from "../support/intercepted-repository.ts";
import { ManualClock } from "../support/manual-clock.ts";

interface Numbered {
  readonly number: number;
  readonly expiresAt?: number;
}

async function storeOf(count: number, clock = new ManualClock()) {
  const store = new InMemoryRepository<string, Numbered>({ clock: clock.read });
  for (let number = 0; number < count; number += 1) await store.set(`key-${number}`, { number });
  return store;
}

async function contentOf(store: InMemoryRepository<string, Numbered>): Promise<Record<string, number>> {
  const content: Record<string, number> = {};
  for await (const [key, { number }] of store.entries()) content[key] = number;
  return content;
}

const nothing = { written: 0, unchanged: 0, kept: 0, gone: 0, failed: 0, removed: 0 };

describe("what is copied", () => {
  it("every record that has not expired", async () => {
    const clock = new ManualClock();
    const from = await storeOf(10, clock);
    await from.set("old", { number: 99, expiresAt: clock.seconds(10) });
    clock.advanceSeconds(10);
    const to = await storeOf(0);
    await expect(copyRepository(from, to)).resolves.toEqual({ ...nothing, written: 10 });
    expect(await contentOf(to)).toEqual(await contentOf(from));
  });

  it.each([
    ["replaced", { number: 1 }, 1],
    ["left where it outlasts what the source has", { number: 100 }, 100],
  ])("a record of the target is %s", async (_, present, number) => {
    const from = await storeOf(3);
    const to = await storeOf(0);
    await to.set("key-1", { ...present, expiresAt: 4_000_000_000 });
    const outlasts = (there: Numbered, given: Numbered | undefined) => there.number > (given?.number ?? 0);
    const report = await copyRepository(from, to, { outlasts });
    expect(report).toMatchObject(number === 100 ? { written: 2, kept: 1 } : { written: 3, kept: 0 });
    expect((await to.get("key-1"))?.number).toBe(number);
  });

  it.each(["replace", "keep"] as const)("nothing that is over where the target has nothing: %s", async (existing) => {
    const to = await storeOf(0);
    await to.set("key-1", { number: 100 });
    const isOver = ({ number }: Numbered) => number < 2;
    const report = await copyRepository(await storeOf(3), to, { existing, isOver });
    const isKept = existing === "keep";
    expect(report).toEqual({ ...nothing, written: isKept ? 1 : 2, kept: isKept ? 2 : 1 });
    expect(await contentOf(to)).toEqual({ "key-1": isKept ? 100 : 1, "key-2": 2 });
  });

  it("nothing of the target is removed that outlasts its absence", async () => {
    const to = await storeOf(5);
    const outlasts = (there: Numbered, given: Numbered | undefined) => given === undefined && there.number === 4;
    const report = await copyRepository(await storeOf(2), to, { removeMissing: true, outlasts });
    expect(report).toMatchObject({ removed: 2 });
    expect(await contentOf(to)).toEqual({ "key-0": 0, "key-1": 1, "key-4": 4 });
  });

  it("nothing a second time", async () => {
    const from = await storeOf(10);
    const to = await storeOf(0);
    await copyRepository(from, to);
    const writes: string[] = [];
    const watched = intercepted(to, (run, { method }) => {
      if (method !== "get") writes.push(method);
      return run();
    });
    await expect(copyRepository(from, watched)).resolves.toEqual({ ...nothing, unchanged: 10 });
    expect(writes).toEqual([]);
  });

  it.each([
    { existing: "replace", report: { written: 1, unchanged: 1 }, number: 0 },
    { existing: "keep", report: { kept: 1, unchanged: 1 }, number: 50 },
  ] as const)("a record that differs: $existing", async ({ existing, report, number }) => {
    const from = await storeOf(2);
    const to = await storeOf(2);
    await to.set("key-0", { number: 50 });
    await expect(copyRepository(from, to, { existing })).resolves.toEqual({ ...nothing, ...report });
    expect(await to.get("key-0")).toEqual({ number });
  });

  it("the absence of a record, with removeMissing", async () => {
    const from = await storeOf(3);
    const to = await storeOf(5);
    await expect(copyRepository(from, to)).resolves.toEqual({ ...nothing, unchanged: 3 });
    expect(to.size).toBe(5);
    await expect(copyRepository(from, to, { removeMissing: true })).resolves.toMatchObject({ removed: 2 });
    expect(await contentOf(to)).toEqual(await contentOf(from));
  });

  it.each(["replace", "keep"] as const)(
    "nothing in a dry run, whichever of two records counts: %s",
    async (existing) => {
      const to = await storeOf(0);
      await to.set("key-0", { number: 50 });
      const report = await copyRepository(await storeOf(1), to, { dryRun: true, existing });
      expect(report).toEqual({ ...nothing, ...(existing === "keep" ? { kept: 1 } : { written: 1 }) });
      expect(await contentOf(to)).toEqual({ "key-0": 50 });
    },
  );

  it("nothing in place of a record that the target has got meanwhile and is to keep", async () => {
    const to = await storeOf(0);
    const inUse = intercepted(to, async (run, { method, key }) => {
      const answer = await run();
      if (method === "get") await to.set(key, { number: 50 });
      return answer;
    });
    await expect(copyRepository(await storeOf(1), inUse, { existing: "keep" })).resolves.toEqual({
      ...nothing,
      kept: 1,
    });
    expect(await contentOf(to)).toEqual({ "key-0": 50 });
  });

  it("nothing in a dry run, which tells what would be", async () => {
    const from = await storeOf(3);
    const to = await storeOf(0);
    await to.set("key-0", { number: 50 });
    await to.set("extra", { number: 51 });
    const report = await copyRepository(from, to, { dryRun: true, removeMissing: true });
    expect(report).toEqual({ ...nothing, written: 3, removed: 1 });
    expect(await contentOf(to)).toEqual({ "key-0": 50, extra: 51 });
  });
});

describe("a source that is in use", () => {
  /** A target where something happens at the source after the first write, before anybody looks again. */
  const disturbed = (
    to: Repository<string, Numbered>,
    disturb: () => Promise<unknown>,
  ): Repository<string, Numbered> => {
    let isDisturbed = false;
    return intercepted(to, async (run, { method }) => {
      const answer = await run();
      if ((method === "set" || method === "add") && !isDisturbed) {
        isDisturbed = true;
        await disturb();
      }
      return answer;
    });
  };

  it.each(["replace", "keep"] as const)("a record that changes is copied as it is then: %s", async (existing) => {
    const from = await storeOf(1);
    const to = await storeOf(0);
    const target = disturbed(to, () => from.set("key-0", { number: 7 }));
    await expect(copyRepository(from, target, { existing })).resolves.toEqual({ ...nothing, written: 1 });
    expect(await to.get("key-0")).toEqual({ number: 7 });
  });

  it("a record that changes is never absent in the target meanwhile", async () => {
    const from = await storeOf(1);
    const methods: string[] = [];
    const target = disturbed(await storeOf(0), () => from.set("key-0", { number: 7 }));
    const watched = intercepted(target, (run, { method }) => {
      methods.push(method);
      return run();
    });
    await copyRepository(from, watched);
    expect(methods).toEqual(["get", "set", "set"]);
  });

  it.each(["replace", "keep"] as const)("a record that is taken is not left behind: %s", async (existing) => {
    const from = await storeOf(1);
    const to = await storeOf(0);
    const target = disturbed(to, () => from.take("key-0"));
    await expect(copyRepository(from, target, { existing })).resolves.toEqual({ ...nothing, gone: 1 });
    expect(to.size).toBe(0);
  });
});

describe("an interrupted copy", () => {
  it("is one whose source fails, while it is listed or while it is asked for what is missing", async () => {
    const outage = new StorageUnavailableError("The test refuses.");
    const store = await storeOf(2);
    const entries = async function* () {
      yield* store.entries();
      throw outage;
    };
    const ending = { ...intercepted(store, (run) => run()), entries };
    await expect(copyRepository(ending, await storeOf(0))).rejects.toBe(outage);
    const refusing = intercepted(store, async (run, { key }) => {
      if (key === "missing") throw outage;
      return run();
    });
    const to = await storeOf(2);
    await to.set("missing", { number: 5 });
    const from = { ...refusing, entries: () => store.entries() };
    await expect(copyRepository(from, to, { removeMissing: true })).rejects.toBe(outage);
    expect(await to.get("missing")).toBeDefined();
  });

  it("ends at the first failure, and goes on from there when it is repeated", async () => {
    const from = await storeOf(20);
    const to = await storeOf(0);
    let writes = 0;
    const failing = intercepted(to, async (run, { method }) => {
      if (method === "set") writes += 1;
      if (writes === 8) throw new StorageUnavailableError("The test refuses.");
      return run();
    });
    await expect(copyRepository(from, failing, { concurrency: 1 })).rejects.toMatchObject({
      code: "ERR_STORAGE_UNAVAILABLE",
    });
    expect(to.size).toBe(7);
    await expect(copyRepository(from, to)).resolves.toEqual({ ...nothing, written: 13, unchanged: 7 });
  });

  it("ends between two records when it is told to", async () => {
    const from = await storeOf(20);
    const to = await storeOf(0);
    const stop = new AbortController();
    const copying = copyRepository(from, to, {
      concurrency: 1,
      signal: stop.signal,
      onProgress: ({ written }) => {
        if (written === 5) stop.abort(new Error("The test stops."));
      },
    });
    await expect(copying).rejects.toThrow("The test stops.");
    expect(to.size).toBe(5);
  });
});

describe("records that cannot be copied stay where they are, and the others are copied:", () => {
  /** A store that lists and reads all but the records of some keys. */
  const partlyUnreadable = (store: InMemoryRepository<string, Numbered>, keys: readonly string[]) => {
    const reading = intercepted(store, async (run, { method, key }) => {
      if (method === "get" && keys.includes(key)) throw new CorruptRecordError("The test spoils it.");
      return run();
    });
    const entries = async function* () {
      let count = 0;
      for await (const entry of store.entries()) {
        if (keys.includes(entry[0])) count += 1;
        else yield entry;
      }
      if (count > 0) throw new UnreadableRecordsError("The test spoils some.", { count, keyIds: ["a-key-id"] });
    };
    return { ...reading, entries };
  };
  const copied = async (from: Repository<string, Numbered>, to: Repository<string, Numbered>, options = {}) => {
    let report = nothing;
    const failure: unknown = await copyRepository(from, to, {
      ...options,
      onProgress: (now) => {
        report = { ...now };
      },
    }).catch((error: unknown) => error);
    return { report, failure };
  };

  it.each([{}, { removeMissing: true }])("the source cannot read some, %o", async (options) => {
    const from = await storeOf(5);
    const to = await storeOf(0);
    await to.set("key-3", { number: 50 });
    const { report, failure } = await copied(partlyUnreadable(from, ["key-1", "key-3"]), to, options);
    expect(report).toEqual({ ...nothing, written: 3, failed: 2 });
    expect(failure).toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count: 2, keyIds: ["a-key-id"] });
    expect(await contentOf(to)).toEqual({ "key-0": 0, "key-2": 2, "key-3": 50, "key-4": 4 });
  });

  it.each([
    { options: {}, count: 1, removed: 0 },
    { options: { removeMissing: true }, count: 2, removed: 1 },
  ])("the target cannot read what it has, $options", async ({ options, count, removed }) => {
    const from = await storeOf(3);
    const to = await storeOf(1);
    for (const key of ["key-1", "other", "another"]) await to.set(key, { number: 50 });
    const { report, failure } = await copied(from, partlyUnreadable(to, ["key-1", "other"]), options);
    expect(report).toEqual({ ...nothing, written: 1, unchanged: 1, failed: count, removed });
    expect(failure).toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count });
    expect(await contentOf(to)).toMatchObject({ "key-0": 0, "key-1": 50, "key-2": 2, other: 50 });
  });

  it("what the target cannot read is told of once where it lists the same records", async () => {
    const to = await storeOf(2);
    const { report, failure } = await copied(await storeOf(2), partlyUnreadable(to, ["key-1"]), {
      removeMissing: true,
    });
    expect(report).toEqual({ ...nothing, unchanged: 1, failed: 1 });
    expect(failure).toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count: 1, keyIds: [] });
  });

  it("the target takes no record of that size", async () => {
    const to = await storeOf(0);
    const small = intercepted(to, async (run, { method, key }) => {
      if (method === "set" && key === "key-1") throw new RecordTooLargeError("The test finds it too large.");
      return run();
    });
    const { report, failure } = await copied(await storeOf(4), small);
    expect(report).toEqual({ ...nothing, written: 3, failed: 1 });
    expect(failure).toMatchObject({ code: "ERR_RECORD_TOO_LARGE" });
  });

  it.each([
    ["its members", new InvalidRecordError("The test refuses it.")],
    ["its expiry", new InvalidRecordError("The record cannot be written: its expiresAt looks like milliseconds.")],
    ["its key", new InvalidKeyError("The key holds half of a surrogate pair.")],
  ])("a record that the target refuses for %s does not keep the others, and is told of", async (_, refusal) => {
    const to = await storeOf(0);
    const particular = intercepted(to, async (run, { method, key }) => {
      if (method === "set" && key === "key-1") throw refusal;
      return run();
    });
    const { report, failure } = await copied(await storeOf(4), particular);
    expect(report).toEqual({ ...nothing, written: 3, failed: 1 });
    expect(failure).toBe(refusal);
  });

  it("one kind of record does not keep the next ones", async () => {
    const source = createInMemoryRepositories();
    const { grants } = source;
    const from = {
      ...source,
      grants: {
        ...intercepted(grants, (run) => run()),
        // biome-ignore lint/correctness/useYield: a listing of nothing but what cannot be read
        async *entries(): AsyncGenerator<never, void> {
          throw new UnreadableRecordsError("The test spoils it.", { count: 3, keyIds: ["a-key-id"] });
        },
      },
    };
    const to = createInMemoryRepositories();
    await from.locks.set("b", { owner: "somebody", expiresAt: Math.floor(Date.now() / 1_000) + 60 });
    await expect(copyRepositories(from, to)).rejects.toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count: 3 });
    expect(await to.locks.get("b")).toBeDefined();
  });
});

it("ends a wait for its turn when it is told to", async () => {
  const stop = new AbortController();
  const options = {
    recordsPerSecond: 0.001,
    signal: stop.signal,
    onProgress: () => stop.abort(new Error("The test stops.")),
  };
  const to = await storeOf(0);
  await expect(copyRepository(await storeOf(20), to, options)).rejects.toThrow("The test stops.");
  expect(to.size).toBe(1);
});

it("copies no more records in a second than it may", async () => {
  const clock = new ManualClock();
  const delays: number[] = [];
  const delay = async (milliseconds: number) => {
    delays.push(milliseconds);
    clock.advance(milliseconds);
  };
  await copyRepository(await storeOf(11), await storeOf(0), { recordsPerSecond: 2 }, { clock: clock.read, delay });
  expect(delays).toEqual(Array(10).fill(500));
  delays.length = 0;
  // What was not copied in time is not made up for.
  const slow = intercepted(await storeOf(0), async (run, { method, key }) => {
    if (method === "set" && key === "key-0") clock.advance(10_000);
    return run();
  });
  const options = { recordsPerSecond: 2, concurrency: 1 };
  await copyRepository(await storeOf(4), slow, options, { clock: clock.read, delay });
  expect(delays).toEqual([500, 500]);
});

const mistakes: readonly (CopyRepositoryOptions | Record<string, unknown>)[] = [
  { existing: "overwrite" },
  { concurrency: 0 },
  { concurrency: 1.5 },
  { concurrency: 1_001 },
  { concurrency: Number.NaN },
  { recordsPerSecond: 0 },
  { recordsPerSecond: -1 },
  { recordsPerSecond: Number.POSITIVE_INFINITY },
  { removeMissing: "yes" },
  { outlasts: true },
  { isOver: true },
  { dryRun: 1 },
  { onProgress: "log" },
  { signal: "stop" },
  { exisiting: "keep" },
  { recordsPerSecond: Number.NaN },
  { existing: "keep", removeMissing: true },
];
it.each(mistakes)("refuses %o", async (options) => {
  const from = await storeOf(1);
  const copying = Reflect.apply(copyRepository, undefined, [from, await storeOf(0), options]);
  await expect(copying).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
});

it("takes every option that there is, and up to 1,000 records at a time", async () => {
  const options = {
    existing: "replace",
    removeMissing: true,
    outlasts: () => false,
    isOver: () => false,
    dryRun: false,
    recordsPerSecond: 1_000,
    concurrency: 1_000,
    onProgress: () => undefined,
    signal: new AbortController().signal,
  } as const;
  await expect(copyRepository(await storeOf(1), await storeOf(0), options)).resolves.toMatchObject({ written: 1 });
});

it("refuses what is no repository, and a target that is the source", async () => {
  const store = await storeOf(1);
  for (const stores of [
    [{}, store],
    [store, {}],
    [store, store],
  ]) {
    await expect(Reflect.apply(copyRepository, undefined, stores)).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
  }
});

it("refuses a source that cannot list its records, and a target that would have to", async () => {
  const plain = intercepted(await storeOf(1), (run) => run());
  await expect(copyRepository(plain, await storeOf(0))).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
  const copying = copyRepository(await storeOf(1), plain, { removeMissing: true });
  await expect(copying).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
});

describe("all that a provider keeps", () => {
  it("is copied, each kind into its own", async () => {
    const from = createInMemoryRepositories();
    const to = createInMemoryRepositories();
    const expiresAt = Math.floor(Date.now() / 1_000) + 60;
    await from.accessTokens.set("a", { clientId: "one", scopes: [], expiresAt });
    await from.locks.set("b", { owner: "somebody", expiresAt });
    const told: string[] = [];
    const reports = await copyRepositories(from, to, { onProgress: (name) => told.push(name) });
    expect(await to.accessTokens.get("a")).toEqual(await from.accessTokens.get("a"));
    expect(await to.locks.get("b")).toEqual(await from.locks.get("b"));
    expect(Object.keys(reports).sort()).toEqual(Object.keys(from).sort());
    expect([reports.accessTokens.written, reports.locks.written, reports.grants.written]).toEqual([1, 1, 0]);
    expect(told).toEqual(["accessTokens", "locks"]);
  });

  it("is not begun where one kind cannot be listed", async () => {
    const { locks, ...others } = createInMemoryRepositories();
    const from = { ...others, locks: intercepted(locks, (run) => run()) };
    const to = createInMemoryRepositories();
    await from.accessTokens.set("a", { clientId: "one", scopes: [] });
    await expect(copyRepositories(from, to)).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
    expect(await to.accessTokens.get("a")).toBeUndefined();
  });
});
