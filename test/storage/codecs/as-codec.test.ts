import { expect, it } from "vitest";
import { z } from "zod";
import { asCodec, type Codec, jsonCodec } from "../../../src/index.ts";
import { isSchemaOrCodec } from "../../../src/storage/codecs/as-codec.ts";
import { encodeAndReadBack, isReadingBack } from "../../../src/storage/codecs/read-back.ts";
import { superjsonCodec as required } from "../../../src/storage/codecs/superjson-required.ts";
import { superjsonCodec } from "../../../src/superjson.ts";

const location = { repository: "test", key: "key" };
const schema = z.object({ name: z.string() });
const method = () => "text";
const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });

it.each([
  ["nothing", undefined],
  ["null", null],
  ["a text", "text"],
  ["a function", method],
  ["an empty object", {}],
  ["half of a codec", { encode: method }],
  ["the other half of a codec", { decode: method }],
  ["a codec that writes nothing", { encode: "text", decode: method }],
  ["a codec that reads nothing", { encode: method, decode: "text" }],
  ["a schema of Zod 3", { _def: {}, parse: method }],
  ["a schema of Zod 3 with methods of a codec", { _def: {}, encode: method, decode: method }],
])("%s is neither a schema nor a codec", (_, given) => {
  expect(() => Reflect.apply(asCodec, undefined, [given])).toThrow(refusal);
  for (const codecOf of [jsonCodec, superjsonCodec, required]) {
    expect(() => Reflect.apply(codecOf, undefined, [given])).toThrow(refusal);
  }
});

it("a codec is taken as it is, and a schema is written as JSON", () => {
  const codec: Codec<string> = { encode: (value) => value, decode: (text) => text };
  expect([isSchemaOrCodec(codec), isSchemaOrCodec(schema), isSchemaOrCodec({})]).toEqual([true, true, false]);
  expect(asCodec(codec)).toBe(codec);
  expect(asCodec(schema).encode({ name: "Ada" }, location)).toBe('{"name":"Ada"}');
});

it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "5", null])("no text is %s characters long", (maxLength) => {
  for (const codecOf of [jsonCodec, superjsonCodec, required]) {
    expect(() => Reflect.apply(codecOf, undefined, [schema, { maxLength }])).toThrow(refusal);
  }
});

it.each(["options", { maxlength: 5 }])("options are an object of options that there are: %o", (options) => {
  for (const codecOf of [jsonCodec, superjsonCodec, required]) {
    expect(() => Reflect.apply(codecOf, undefined, [schema, options])).toThrow(refusal);
  }
});

it("a text may be as long as it is told, and no longer", () => {
  const codec = jsonCodec(z.string(), { maxLength: 5 });
  expect(codec.decode(codec.encode("abc", location), location)).toBe("abc");
  const tooLarge = expect.objectContaining({ code: "ERR_RECORD_TOO_LARGE" });
  expect(() => codec.encode("abcd", location)).toThrow(tooLarge);
  expect(() => jsonCodec(z.number(), { maxLength: 1 }).encode(5, location)).not.toThrow();
});

it("what is required gives back what is imported", () => {
  const dated = z.object({ at: z.date() });
  const value = { at: new Date(0) };
  expect(required(dated).decode(superjsonCodec(dated).encode(value, location), location)).toEqual(value);
});

it("a record may be nested 200 levels deep, in lists and objects, and no deeper", () => {
  const codec = jsonCodec(z.unknown());
  const lists = (levels: number) => `${"[".repeat(levels)}"${"a".repeat(200)}"${"]".repeat(levels)}`;
  const both = (pairs: number) => `${'[{"a":'.repeat(pairs)}1${"}]".repeat(pairs)}`;
  const corrupt = expect.objectContaining({ code: "ERR_CORRUPT_RECORD" });
  for (const text of [lists(200), both(100)]) expect(codec.decode(text, location)).toEqual(JSON.parse(text));
  for (const text of [lists(201), both(101)]) {
    expect(() => codec.decode(text, location)).toThrow(corrupt);
    expect(() => codec.encode(JSON.parse(text), location)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_RECORD" }),
    );
  }
  const wide = JSON.stringify(Array(300).fill([null, { a: null }]));
  expect(codec.decode(wide, location)).toEqual(JSON.parse(wide));
});

it("a codec that does not read what it writes is told of, and one that reads it is not asked twice", () => {
  const blind: Codec<string> = {
    encode: (value) => value,
    decode: () => {
      throw new RangeError("confidential");
    },
  };
  expect(() => encodeAndReadBack(blind, "a", location)).toThrow(
    expect.objectContaining({ code: "ERR_INVALID_RECORD", message: expect.not.stringContaining("confidential") }),
  );
  const other: Codec<string> = { encode: (value) => value, decode: (text) => `${text}!` };
  expect(encodeAndReadBack(other, "a", location)).toEqual({ text: "a", value: "a!" });
  expect([isReadingBack(other), isReadingBack(jsonCodec(schema))]).toEqual([false, true]);
  // What is made of it may write something else.
  expect(isReadingBack({ ...jsonCodec(schema) })).toBe(false);
});
