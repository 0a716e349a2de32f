import { describe, expect, it } from "vitest";
import { InvalidRecordError } from "../../src/index.ts";
import { frozenCopy } from "../../src/storage/freeze.ts";

describe("a frozen copy", () => {
  it("is equal to the original and apart from it", () => {
    const original = { list: [1, { deep: "x" }], nothing: null, absent: undefined };
    const copy = frozenCopy(original);
    expect(copy).toEqual(original);
    original.list.push(2);
    expect(copy.list).toHaveLength(2);
  });

  it("refuses every change to objects and arrays", () => {
    const copy = frozenCopy({ list: [{ deep: "x" }] });
    expect(() => copy.list.push({ deep: "y" })).toThrow(TypeError);
    expect(() => Object.assign(copy.list[0] ?? {}, { deep: "y" })).toThrow(TypeError);
    expect(() => Object.assign(copy, { added: 1 })).toThrow(TypeError);
  });

  it.each([
    "hash",
    "host",
    "hostname",
    "href",
    "password",
    "pathname",
    "port",
    "protocol",
    "search",
    "username",
  ] as const)("refuses a change to the %s of a URL", (part) => {
    const copy = frozenCopy(new URL("https://user:word@example.org:8443/x?a=1#y"));
    const original = copy[part];
    expect(() => {
      copy[part] = "http://u:w@other.example:1/z?b=2#w";
    }).toThrow(TypeError);
    expect(copy[part]).toBe(original);
    expect(copy.href).toBe("https://user:word@example.org:8443/x?a=1#y");
  });

  it("refuses every change to a URL, and its search parameters are a copy", () => {
    const copy = frozenCopy(new URL("https://example.org/x?a=1"));
    expect(() => {
      copy.href = "https://evil.example/";
    }).toThrow(TypeError);
    copy.searchParams.append("b", "2");
    expect(copy.href).toBe("https://example.org/x?a=1");
    expect(copy).toBeInstanceOf(URL);
    expect(String(copy)).toBe("https://example.org/x?a=1");
  });

  it("refuses every change to dates, maps and sets", () => {
    const original = { at: new Date(0), map: new Map([["a", { b: 1 }]]), set: new Set(["a"]) };
    const copy = frozenCopy(original);
    expect(copy).toEqual(original);
    expect(() => copy.at.setFullYear(1999)).toThrow(TypeError);
    expect(() => copy.map.set("b", { b: 2 })).toThrow(TypeError);
    expect(() => copy.map.clear()).toThrow(TypeError);
    expect(() => copy.map.delete("a")).toThrow(TypeError);
    expect(() => copy.set.add("b")).toThrow(TypeError);
    expect(() => copy.set.delete("a")).toThrow(TypeError);
    expect(() => copy.set.clear()).toThrow(TypeError);
    for (const method of [copy.at.setFullYear, copy.map.set, copy.set.add]) expect(method).toBeTypeOf("function");
    expect(copy.at.getTime()).toBe(0);
    expect(() => Object.assign(copy.map.get("a") ?? {}, { b: 2 })).toThrow(TypeError);
  });

  it("keeps an own __proto__ member as data", () => {
    const copy: Record<string, unknown> = frozenCopy(JSON.parse('{"__proto__":{"admin":true}}'));
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(Object.hasOwn(copy, "__proto__")).toBe(true);
    expect(copy.admin).toBeUndefined();
    expect(JSON.stringify(copy)).toBe('{"__proto__":{"admin":true}}');
  });

  it("keeps cycles", () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    const copy = frozenCopy(cycle);
    expect(copy.self).toBe(copy);
    const list: unknown[] = [];
    list.push(list);
    const copyOfList = frozenCopy(list);
    expect(copyOfList[0]).toBe(copyOfList);
  });

  it.each([
    ["an object", {}],
    ["a list", []],
    ["a URL", new URL("https://example.org/")],
    ["a date", new Date(0)],
    ["a map", new Map()],
    ["a set", new Set()],
  ])("has %s once where the original has it twice", (_, shared) => {
    const copy = frozenCopy({ one: shared, other: shared });
    expect(copy.one).toBe(copy.other);
    expect(copy.one).not.toBe(shared);
  });

  it("has a URL that nobody can change as it is, whose query stays what it was", () => {
    const original = new URL("https://example.org/?a=1");
    const copy = frozenCopy({ at: original });
    original.searchParams.set("a", "2");
    expect(copy.at.searchParams.get("a")).toBe("1");
    copy.at.searchParams.set("a", "3");
    expect(copy.at.searchParams.get("a")).toBe("1");
    expect(frozenCopy({ at: copy.at }).at).toBe(copy.at);
    expect(frozenCopy({ at: Object.freeze(new URL(original)) }).at, "frozen by somebody else").not.toBe(original);
  });

  it("keeps an object without a prototype as it is", () => {
    const copy = frozenCopy(Object.assign(Object.create(null), { a: 1 }));
    expect(Object.getPrototypeOf(copy)).toBeNull();
    expect(copy.a).toBe(1);
  });

  it("may have 200 levels below the first, and no more", () => {
    const nested = (levels: number): unknown => JSON.parse(`${"[".repeat(levels + 1)}${"]".repeat(levels + 1)}`);
    expect(() => frozenCopy(nested(200))).not.toThrow();
    expect(() => frozenCopy(nested(201))).toThrow(InvalidRecordError);
  });

  it.each([
    ["a function", { act: () => 1 }],
    ["a symbol", { mark: Symbol("x") }],
    ["an instance of a class", { thing: new (class Thing {})() }],
    ["bytes", new Uint8Array(2)],
  ])("cannot be made of %s", (_, value) => {
    expect(() => frozenCopy(value)).toThrow(InvalidRecordError);
  });
});
