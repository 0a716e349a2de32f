import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { CorruptRecordError, InvalidRecordError } from "../../../src/index.ts";
import { superjsonCodec } from "../../../src/storage/codecs/superjson.ts";

const location = { repository: "test", key: "key" };
const schema = z.object({
  at: z.date(),
  counts: z.map(z.string(), z.bigint()),
  tags: z.set(z.string()),
  link: z.instanceof(URL),
});
const codec = superjsonCodec(schema);
const record = {
  at: new Date("2026-11-23T00:00:00.123Z"),
  counts: new Map([["a", 12345678901234567890n]]),
  tags: new Set(["x", "y"]),
  link: new URL("https://example.org/x"),
};

describe("superjsonCodec", () => {
  it("gives back dates, maps, sets, big integers and URLs", () => {
    expect(codec.decode(codec.encode(record, location), location)).toEqual(record);
  });

  it("refuses to write what the schema refuses", () => {
    const wrong: unknown = { at: "today" };
    expect(() => superjsonCodec<unknown>(schema).encode(wrong, location)).toThrow(InvalidRecordError);
  });

  it.each([
    ["no JSON", "{"],
    ["no superjson", "{}"],
    ["null", "null"],
    ["a path into the prototype", '{"json":{"a":1},"meta":{"values":{"__proto__.polluted":["Date"]}}}'],
    ["a path into the constructor", '{"json":{},"meta":{"values":{"constructor.prototype.polluted":["Date"]}}}'],
    [
      "equalities into the prototype",
      '{"json":{"a":{"b":1}},"meta":{"referentialEqualities":{"a":["__proto__.polluted","constructor.prototype.polluted"]}}}',
    ],
    ["an own __proto__", '{"json":{"__proto__":{"polluted":true}}}'],
    ["an unknown class", '{"json":{"a":1},"meta":{"values":{"a":[["class","Evil"]]}}}'],
    ["an unknown type", '{"json":{"a":1},"meta":{"values":{"a":["evil"]}}}'],
    ["metadata of the wrong type", '{"json":{"a":1},"meta":{"values":7,"referentialEqualities":"x"}}'],
    ["20,000 levels", `{"json":${"[".repeat(20_000)}${"]".repeat(20_000)},"meta":{"values":[["Date"]]}}`],
    ["20,000 levels of metadata", `{"json":{},"meta":{"values":${"[".repeat(20_000)}${"]".repeat(20_000)}}}`],
  ])("refuses %s, and Object.prototype stays as it is", (_, text) => {
    expect(() => codec.decode(text, location)).toThrow(CorruptRecordError);
    expect(Reflect.get({}, "polluted")).toBeUndefined();
  });

  it.each(["{}", "null", "5", '"text"', '["json"]'])("refuses %s, though the schema takes anything", (text) => {
    expect(() => superjsonCodec(z.unknown()).decode(text, location)).toThrow(CorruptRecordError);
  });

  it("refuses a typed array, however short it is", () => {
    const text = JSON.stringify({ json: [[1, 2]], meta: { values: { 0: [["typed-array", "Uint8Array"]] } } });
    expect(() => superjsonCodec(z.unknown()).decode(text, location)).toThrow(CorruptRecordError);
  });

  it("gives back what is null", () => {
    const anything = superjsonCodec(z.unknown());
    for (const value of [null, [null], { a: null }]) {
      expect(anything.decode(anything.encode(value, location), location)).toEqual(value);
    }
  });

  it("answers any JSON at all with a record or a CorruptRecordError", () => {
    const anything = superjsonCodec(z.unknown());
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (json, meta) => {
        try {
          anything.decode(JSON.stringify({ json, meta }), location);
        } catch (error) {
          expect(error).toBeInstanceOf(CorruptRecordError);
        }
        expect(Reflect.get({}, "polluted")).toBeUndefined();
      }),
      { seed: 20_263, numRuns: 2000 },
    );
  });
});
