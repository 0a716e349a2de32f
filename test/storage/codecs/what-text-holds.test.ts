import { describe, expect, it } from "vitest";
import { z } from "zod";
import { CachedRepository, InMemoryRepository, jsonCodec, KeyRing, sealed } from "../../../src/index.ts";
import { superjsonCodec } from "../../../src/superjson.ts";

const location = { repository: "any", key: "key" };

class Session {
  readonly name = "confidential";
}

class Money {
  toJSON(): string {
    return "confidential";
  }
}

const cycle: Record<string, unknown> = {};
cycle.self = { other: cycle, again: cycle };
const endlessList: unknown[] = [];
endlessList.push(endlessList);
const sparse = ["a"];
sparse[2] = "c";

/** What JSON does not hold, and whether superjson does. */
const unheld: readonly (readonly [description: string, value: unknown, inSuperjson: boolean])[] = [
  ["a Map", new Map([["a", 1]]), true],
  ["an empty Map", new Map(), true],
  ["a Set", new Set(["a"]), true],
  ["a Date", new Date(0), true],
  ["an invalid Date", new Date(Number.NaN), false],
  ["a URL", new URL("https://app.example/"), true],
  ["a regular expression", /a/g, true],
  ["an Error", new Error("confidential"), false],
  ["a bigint", 1n, true],
  ["NaN", Number.NaN, true],
  ["Infinity", Number.POSITIVE_INFINITY, true],
  ["-Infinity", Number.NEGATIVE_INFINITY, true],
  ["undefined in a list", [1, undefined], true],
  ["a hole in a list", sparse, false],
  ["a function", () => 1, false],
  ["a function in a list", [() => 1], false],
  ["a symbol", Symbol("a"), false],
  ["a member named by a symbol", { [Symbol("a")]: 1 }, false],
  ["an instance of a class", new Session(), false],
  ["an instance with toJSON", new Money(), false],
  ["an object with toJSON", { name: "a", toJSON: () => "b" }, false],
  ["a boxed number", Object(5), false],
  ["bytes", Uint8Array.of(1), false],
  ["a buffer", Buffer.from("a"), false],
  ["a WeakMap", new WeakMap(), false],
  ["a promise", Promise.resolve(1), false],
  ["a cycle", cycle, true],
  ["a list in itself", endlessList, true],
];

/** The same value at several depths, under schemas that say nothing of it. */
const places: readonly (readonly [string, z.ZodType, (value: unknown) => unknown])[] = [
  ["under z.unknown()", z.object({ it: z.unknown() }), (it) => ({ it })],
  ["under z.any()", z.object({ it: z.any() }), (it) => ({ it })],
  ["in a loose object", z.looseObject({}), (it) => ({ it })],
  ["in a record of anything", z.record(z.string(), z.unknown()), (it) => ({ it })],
  ["in a list", z.array(z.unknown()), (it) => ["a", it]],
  ["deep inside", z.unknown(), (it) => ({ a: [{ b: { c: [it] } }] })],
  ["behind a codec", z.codec(z.unknown(), z.unknown(), { decode: (it) => it, encode: (it) => it }), (it) => [it]],
  ["by itself", z.unknown(), (it) => it],
];

describe.each(places)("a value %s", (_, schema, wrap) => {
  it.each(unheld)("that JSON does not hold is not written as JSON: %s", (_, value) => {
    for (const codec of [jsonCodec(schema), sealed(schema, KeyRing.from("a secret that is long enough for a test"))]) {
      const refusal = { code: "ERR_INVALID_RECORD", message: expect.not.stringContaining("confidential") };
      expect(() => codec.encode(wrap(value), location)).toThrow(expect.objectContaining(refusal));
    }
  });

  it.each(unheld)("is given back as it was by superjson, or refused: %s", (_, value, isHeld) => {
    const codec = superjsonCodec(schema);
    const write = () => codec.encode(wrap(value), location);
    if (isHeld) expect(codec.decode(write(), location)).toEqual(wrap(value));
    else expect(write).toThrow(expect.objectContaining({ code: "ERR_INVALID_RECORD" }));
  });

  it.each([[null], [0], [""], [false], ["text"], [[]], [{}], [[null, [0.5, "\ud83d"]]], [{ a: { b: null } }]])(
    "that JSON holds is given back: %j",
    (value) => {
      const codec = jsonCodec(schema);
      expect(codec.decode(codec.encode(wrap(value), location), location)).toEqual(wrap(value));
    },
  );
});

it("an undefined member counts as absent, and a negative zero as zero", () => {
  const codec = jsonCodec(z.unknown());
  expect(codec.decode(codec.encode({ a: undefined, b: -0 }, location), location)).toEqual({ b: 0 });
});

it("a Date that a schema makes of its text again is held, however it is named in JSON", () => {
  const codec = jsonCodec(z.object({ at: z.coerce.date(), note: z.string().optional() }));
  const value = { at: new Date(1_500), note: undefined };
  expect(codec.decode(codec.encode(value, location), location)).toEqual({ at: new Date(1_500) });
  const other = jsonCodec(z.object({ at: z.coerce.date(), rest: z.unknown() }));
  expect(() => other.encode({ at: new Date(0), rest: new Date(0) }, location)).toThrow(
    expect.objectContaining({ code: "ERR_INVALID_RECORD", message: expect.stringMatching(/a Date/) }),
  );
});

it("dates that a schema makes of their text again are held wherever they are", () => {
  const codec = jsonCodec(z.object({ days: z.array(z.coerce.date()) }));
  const value = { days: [new Date(0), new Date(1_500)] };
  expect(codec.decode(codec.encode(value, location), location)).toEqual(value);
});

it("what is not written anyway is no reason to refuse a record", () => {
  const hidden = Object.defineProperty({ a: 1 }, "hidden", { value: () => 1 });
  expect(jsonCodec(z.unknown()).encode(hidden, location)).toBe('{"a":1}');
  const bare = Object.assign(Object.create(null), { a: 1 });
  expect(jsonCodec(z.unknown()).encode(bare, location)).toBe('{"a":1}');
});

it("undefined is refused in a list, also where it is left out elsewhere in the same record", () => {
  expect(() => jsonCodec(z.unknown()).encode({ a: undefined, b: [undefined] }, location)).toThrow(
    expect.objectContaining({ code: "ERR_INVALID_RECORD" }),
  );
});

it.each([
  ["a value of a map", new Map([["a", () => 1]])],
  ["a key of a map", new Map([[() => 1, "a"]])],
  ["a member of a set", new Set([() => 1])],
  ["a value of a map in a set", new Set([new Map([["a", Symbol("b")]])])],
])("superjson writes nothing that it does not hold: %s", (_, value) => {
  expect(() => superjsonCodec(z.unknown()).encode(value, location)).toThrow(
    expect.objectContaining({ code: "ERR_INVALID_RECORD" }),
  );
});

it("a shared part is looked at once, however often it is there", () => {
  let wide: unknown = "a";
  for (let level = 0; level < 15; level += 1) wide = [wide, wide];
  expect(jsonCodec(z.unknown()).encode(wide, location).length).toBeGreaterThan(2 ** 15);
});

describe("a cache", () => {
  const schema = z.object({ name: z.string(), level: z.number().default(1) });
  const cached = () => {
    const backend = new InMemoryRepository(schema);
    const options = { max: 10, maxStaleness: 60_000 };
    const cache = new CachedRepository(backend, options);
    return { backend, caches: [cache, new CachedRepository(cache, options)] };
  };

  it.each(["set", "add"] as const)("holds after %s what a read of the backend would give", async (write) => {
    const { backend, caches } = cached();
    for (const cache of caches) {
      const given: { name: string; level: number } = JSON.parse('{"name":"a","secret":"dropped"}');
      await cache[write]("key", Object.assign(given, { level: 2 }));
      expect(await cache.get("key")).toEqual({ name: "a", level: 2 });
      expect(await backend.get("key")).toEqual(await cache.get("key"));
      await cache.delete("key");
    }
  });

  it("gives the backend what it was given, and nothing that the backend refuses stays in it", async () => {
    const { backend, caches } = cached();
    for (const cache of caches) {
      const wrong: { name: string; level: number } = JSON.parse('{"name":1,"level":1}');
      await expect(cache.set("wrong", wrong)).rejects.toMatchObject({ code: "ERR_INVALID_RECORD" });
      expect(await cache.get("wrong")).toBeUndefined();
      expect(backend.size).toBe(0);
    }
  });
});
