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
    const copy = frozenCopy({ at: new Date(0), map: new Map([["a", { b: 1 }]]), set: new Set(["a"]) });
    expect(() => copy.at.setFullYear(1999)).toThrow(TypeError);
    expect(() => copy.map.set("b", { b: 2 })).toThrow(TypeError);
    expect(() => copy.map.clear()).toThrow(TypeError);
    expect(() => copy.set.add("b")).toThrow(TypeError);
    expect(copy.at.getTime()).toBe(0);
    expect(() => Object.assign(copy.map.get("a") ?? {}, { b: 2 })).toThrow(TypeError);
  });

  it("keeps an own __proto__ member as data", () => {
    const copy: Record<string, unknown> = frozenCopy(JSON.parse('{"__proto__":{"admin":true}}'));
    expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
    expect(Object.hasOwn(copy, "__proto__")).toBe(true);
    expect(copy.admin).toBeUndefined();
  });

  it("keeps cycles", () => {
    const cycle: { self?: unknown } = {};
    cycle.self = cycle;
    const copy = frozenCopy(cycle);
    expect(copy.self).toBe(copy);
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
