import { expect, it } from "vitest";
import { z } from "zod";
import { CorruptRecordError } from "../../../src/errors.ts";
import { jsonCodec } from "../../../src/storage/codecs/json-codec.ts";
import { parserOf, withParser } from "../../../src/storage/codecs/own-parser.ts";

const location = { repository: "notes", key: "n1" };
const read: unknown[] = [];
/** Its own parser is in doubt about everything but numbers. */
const schema = withParser(z.union([z.number(), z.string()]), (parsed) => {
  read.push(parsed);
  return typeof parsed === "number" ? parsed + 1 : undefined;
});

it("what a schema's own parser reads is what a codec reads", () => {
  expect(jsonCodec(schema).decode("1", location)).toBe(2);
  expect(parserOf(schema)(1)).toBe(2);
});

it("what the own parser is in doubt about the schema reads or refuses, and a codec says no more than that", () => {
  read.length = 0;
  expect(jsonCodec(schema).decode('"text"', location)).toBe("text");
  expect(() => parserOf(schema)(null)).toThrow(z.ZodError);
  expect(() => jsonCodec(schema).decode("null", location)).toThrow(CorruptRecordError);
  expect(read).toEqual(["text", null, null]);
});

it("elsewhere the schema is as it was, and a schema without a parser is read by zod's", () => {
  expect(schema.parse(1)).toBe(1);
  expect(z.encode(schema, 1)).toBe(1);
  expect(parserOf(z.object({ a: z.number() }))({ a: 1, b: 2 })).toEqual({ a: 1 });
  expect(() => parserOf(z.number())("text")).toThrow(z.ZodError);
});
