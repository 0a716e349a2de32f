import { describe, expect, it } from "vitest";
import {
  type BasicRepository,
  CachedRepository,
  InMemoryRepository,
  inOneProcess,
  isEnumerable,
  isIndexedBy,
  observed,
  type Repository,
  retrying,
  StorageUnavailableError,
  UnreadableRecordsError,
} from "../../src/index.ts";
import { hasIndexes } from "../../src/storage/indexed.ts";
import { intercepted } from "../support/intercepted-repository.ts";
import { ManualClock } from "../support/manual-clock.ts";

interface Login {
  readonly user: string;
  readonly expiresAt?: number;
}
type Logins = Repository<string, Login>;

const clock = new ManualClock();
const sink = { hasSubscribers: true, publish: () => undefined };
const cached = (inner: Logins) => new CachedRepository(inner, { max: 10, maxStaleness: 1_000, clock: clock.read });

/** The same without take and add: a whole repository is none for inOneProcess. */
const basicOf = (inner: Logins): BasicRepository<string, Login> =>
  new Proxy(inner, {
    get(target, name) {
      const member: unknown = name === "take" || name === "add" ? undefined : Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });

const wrappers: readonly (readonly [string, (inner: Logins) => Logins])[] = [
  ["observed", (inner) => observed(inner, sink)],
  ["retrying", (inner) => retrying(inner)],
  ["CachedRepository", cached],
  ["inOneProcess", (inner) => inOneProcess(basicOf(inner), { clock: clock.read })],
  ["a cache in front of a cache", (inner) => cached(cached(inner))],
  ["observed in front of a cache in front of retrying", (inner) => observed(cached(retrying(inner)), sink)],
  ["retrying in front of inOneProcess", (inner) => retrying(inOneProcess(basicOf(inner), { clock: clock.read }))],
];

const store = () => new InMemoryRepository<string, Login>({ indexes: { user: ({ user }) => user }, clock: clock.read });

async function listed(listing: AsyncIterable<[string, Login]>): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key] of listing) keys.push(key);
  return keys.sort();
}

describe.each(wrappers)("%s", (_name, wrap) => {
  it("lists and finds what the repository behind it does", async () => {
    const inner = store();
    const wrapper = wrap(inner);
    await wrapper.set("a", { user: "ada" });
    await inner.set("b", { user: "bob" });
    await inner.set("short", { user: "ada", expiresAt: clock.seconds(5) });
    if (!isEnumerable(wrapper)) throw new Error("It lists nothing.");
    if (!isIndexedBy(wrapper, "user")) throw new Error("It finds nothing.");
    expect(await listed(wrapper.entries())).toEqual(["a", "b", "short"]);
    expect(await listed(wrapper.entriesBy("user", "ada"))).toEqual(["a", "short"]);
    clock.advanceSeconds(5);
    expect(await listed(wrapper.entries())).toEqual(["a", "b"]);
    expect(await listed(wrapper.entriesBy("user", "ada"))).toEqual(["a"]);
    await expect(listed(wrapper.entriesBy("none", "ada"))).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
  });

  it("has no listing where the repository behind it has none", () => {
    const plain = wrap(intercepted(store(), (run) => run()));
    expect([isEnumerable(plain), hasIndexes(plain)]).toEqual([false, false]);
    const inner = store();
    const enumerable = Object.assign(
      intercepted(inner, (run) => run()),
      { entries: () => inner.entries() },
    );
    const onlyList = wrap(enumerable);
    expect([isEnumerable(onlyList), hasIndexes(onlyList)]).toEqual([true, false]);
  });

  it("has listings that a copy of its members has too, and that whoever wraps it may put others in the place of", async () => {
    const inner = store();
    await inner.set("a", { user: "ada" });
    const wrapper = wrap(inner);
    const names = Object.keys(wrapper);
    expect(names).toEqual(expect.arrayContaining(["entries", "entriesBy", "indexNames"]));
    const nothing = async function* () {};
    Object.assign(wrapper, { entries: nothing, entriesBy: nothing });
    if (!isEnumerable(wrapper) || !isIndexedBy(wrapper, "user")) throw new Error("It lists nothing.");
    expect([await listed(wrapper.entries()), await listed(wrapper.entriesBy("user", "ada"))]).toEqual([[], []]);
    for (const name of ["entries", "entriesBy", "indexNames"]) expect(Reflect.deleteProperty(wrapper, name)).toBe(true);
    expect(hasIndexes(wrapper)).toBe(false);
  });

  it("knows of an index that is there later, for a repository may get its keys from its provider", () => {
    const inner = store();
    let names: readonly string[] = [];
    Object.defineProperty(inner, "indexNames", { get: () => names });
    const wrapper = wrap(inner);
    expect(isIndexedBy(wrapper, "user")).toBe(false);
    names = ["user"];
    expect(isIndexedBy(wrapper, "user")).toBe(true);
  });
});

it("a cache that is closed lists nothing any more", async () => {
  const cache = cached(store());
  if (!isEnumerable(cache) || !isIndexedBy(cache, "user")) throw new Error("It lists nothing.");
  await cache[Symbol.asyncDispose]();
  const closed = { code: "ERR_STORAGE_CLOSED" };
  await expect(listed(cache.entries())).rejects.toMatchObject(closed);
  await expect(listed(cache.entriesBy("user", "ada"))).rejects.toMatchObject(closed);
});

it.each([{ entriesBy: async function* () {} }, { indexNames: ["user"] }])(
  "inOneProcess finds nothing where the backend has but half of what that takes: %#",
  (half) => {
    const basic = { get: async () => undefined, set: async () => undefined, delete: async () => undefined };
    expect(Object.keys(inOneProcess<string, unknown>({ ...basic, ...half }))).not.toContain("entriesBy");
  },
);

it.each([
  [new UnreadableRecordsError("The test spoils some.", { count: 3, keyIds: ["a"] }), { count: 4, keyIds: ["a"] }],
  [new StorageUnavailableError("The test refuses."), { code: "ERR_STORAGE_UNAVAILABLE" }],
])("inOneProcess tells how a listing of the backend has ended: %s", async (failure, told) => {
  const repository = inOneProcess<string, unknown>({
    get: async () => undefined,
    set: async () => undefined,
    delete: async () => undefined,
    async *entries(): AsyncGenerator<[string, unknown]> {
      yield ["wrong", { expiresAt: "soon" }];
      throw failure;
    },
  });
  const read = async () => {
    if (!isEnumerable(repository)) throw new Error("It lists nothing.");
    for await (const _ of repository.entries()) throw new Error("It lists what cannot be read.");
  };
  await expect(read()).rejects.toMatchObject(told);
});

it("inOneProcess counts a record whose expiry is no time, and goes on", async () => {
  const records = new Map<string, unknown>([
    ["wrong", { user: "ada", expiresAt: "soon" }],
    ["right", { user: "ada" }],
  ]);
  const find = async function* (): AsyncGenerator<[string, unknown]> {
    yield* records;
  };
  const repository = inOneProcess<string, unknown>({
    get: async (key) => records.get(key),
    set: async (key, value) => records.set(key, value),
    delete: async (key) => records.delete(key),
    entries: find,
    indexNames: ["user"],
    entriesBy: find,
  });
  if (!isIndexedBy(repository, "user") || !isEnumerable(repository)) throw new Error("It finds nothing.");
  for (const listing of [repository.entries(), repository.entriesBy("user", "ada")]) {
    const keys: string[] = [];
    const read = async () => {
      for await (const [key] of listing) keys.push(key);
    };
    await expect(read()).rejects.toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count: 1 });
    expect(keys).toEqual(["right"]);
  }
});
