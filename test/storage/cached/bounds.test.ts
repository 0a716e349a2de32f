import { expect, test } from "vitest";
import { CachedRepository } from "../../../src/storage/cached/cached-repository.ts";
import { Copies } from "../../../src/storage/cached/copies.ts";
import type { CachedRepositoryOptions } from "../../../src/storage/cached/options.ts";
import { recordNames } from "../../../src/storage/cached/record-names.ts";
import { InMemoryRepository } from "../../../src/storage/in-memory.ts";
import { gated } from "../../support/gated-repository.ts";

function cacheOf(options: CachedRepositoryOptions<string>) {
  const store = new InMemoryRepository<string, string>();
  const backend = gated(store);
  return { backend, cache: new CachedRepository(backend, options), store };
}

async function isInMemory({ backend, cache }: ReturnType<typeof cacheOf>, key: string): Promise<boolean> {
  const before = backend.calls.get;
  await cache.get(key);
  return backend.calls.get === before;
}

test("beyond max the least recently read record goes", async () => {
  const setup = cacheOf({ max: 2, maxStaleness: 60_000 });
  await setup.cache.set("a", "1");
  await setup.cache.set("b", "2");
  await setup.cache.get("a");
  await setup.cache.set("c", "3");
  expect(await isInMemory(setup, "a")).toBe(true);
  expect(await isInMemory(setup, "c")).toBe(true);
  expect(await isInMemory(setup, "b")).toBe(false);
});

function copiesOf(max: number) {
  const names = recordNames("sha256");
  let others = 0;
  const copies = new Copies<string>(max, names, () => 0);
  const put = (key: string): string => {
    const name = names.hold(key);
    copies.put(key, { name, value: key, asOf: 0, freshUntil: 1, servableUntil: 1 });
    names.release(name);
    return name;
  };
  const putNew = (count: number): void => {
    for (const last = others + count; others < last; others += 1) put(`other ${others}`);
  };
  return { copies, names, put, putNew };
}

test.for([0, 1, 9, 10, 79])(
  "a copy read %d writes after it was made outlives that read by 7/8 of the cache",
  (writes) => {
    const { copies, put, putNew } = copiesOf(80);
    put("a");
    putNew(writes);
    expect(copies.get("a")).toBeDefined();
    putNew(70);
    expect(copies.peek("a")).toBeDefined();
  },
);

test("a copy read by whoever holds it outlives that read as well", () => {
  const { copies, put, putNew } = copiesOf(80);
  put("a");
  const held = copies.peek("a");
  putNew(79);
  expect(held?.current()).toBe("a");
  putNew(70);
  expect(copies.peek("a")).toBe(held);
  putNew(80);
  expect([copies.peek("a"), held?.current()]).toEqual([undefined, undefined]);
});

test("a copy in use outlives any number of others, and one that is not used goes", () => {
  const { copies, put, putNew } = copiesOf(80);
  put("used");
  put("left");
  for (let turn = 0; turn < 100; turn += 1) {
    putNew(70);
    expect(copies.get("used")).toBeDefined();
  }
  expect(copies.peek("left")).toBeUndefined();
});

test("a copy that goes, whatever the reason, releases the name of its key", () => {
  const { copies, names, put } = copiesOf(1);
  const evicted = put("a");
  const replaced = put("b");
  expect(names.keyOf(evicted)).toBeUndefined();
  put("b");
  expect(names.keyOf(replaced)).toBe("b");
  copies.drop("b");
  expect(names.keyOf(replaced)).toBeUndefined();
  const cleared = put("c");
  copies.clear();
  expect(names.keyOf(cleared)).toBeUndefined();
  expect(copies.peek("c")).toBeUndefined();
});
