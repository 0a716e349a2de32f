import { expect, it } from "vitest";
import { z } from "zod";
import {
  AccessTokenSchema,
  CorruptRecordError,
  InvalidRecordError,
  jsonCodec,
  RecordTooLargeError,
} from "../../../src/index.ts";
import { superjsonCodec } from "../../../src/storage/codecs/superjson.ts";
import { frozenCopy } from "../../../src/storage/freeze.ts";

const location = { repository: "any", key: "a key" };
const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;

it.each([
  ["a date", z.object({ at: z.date() }), { at: new Date(0) }],
  ["a map", z.object({ all: z.map(z.string(), z.number()) }), { all: new Map([["a", 1]]) }],
  ["a URL", z.object({ url: z.instanceof(URL) }), { url: new URL("https://app.example/") }],
])("a record with %s, which JSON cannot give back, is not written as JSON", (_, schema, value) => {
  expect(() => jsonCodec<unknown>(schema).encode(value, location)).toThrow(InvalidRecordError);
});

it.each([
  [
    "a typed array",
    superjsonCodec<unknown>(z.object({ bytes: z.instanceof(Uint8Array) })),
    { bytes: Uint8Array.of(1) },
  ],
  ["a symbol that nobody registered", superjsonCodec<unknown>(z.object({ at: z.symbol() })), { at: Symbol("a") }],
])("a record with %s, which superjson cannot give back, is not written", (_, codec, value) => {
  expect(() => codec.encode(value, location)).toThrow(InvalidRecordError);
});

it.each([
  ["a bigint", jsonCodec<unknown>(z.bigint()), 1n],
  ["a transform", jsonCodec<unknown>(z.string().transform(Number)), 1],
  ["an asynchronous check", jsonCodec<unknown>(z.string().refine(async () => true)), "a"],
])("%s is refused before anything is written", (_, codec, value) => {
  expect(() => codec.encode(value, location)).toThrow(InvalidRecordError);
});

it.each([jsonCodec, superjsonCodec])("a record longer than what is read is not written", (codecOf) => {
  const codec = codecOf(z.string(), { maxLength: 100 });
  expect(codec.decode(codec.encode("a".repeat(50), location), location)).toHaveLength(50);
  expect(() => codec.encode("a".repeat(101), location)).toThrow(RecordTooLargeError);
});

it("a stored record that is nested too deeply to be copied is corrupt, where the schema allows it too", () => {
  const text = (levels: number) => `{"client_id":"a","scopes":[],"claims":${nested(levels)}}`;
  const codec = jsonCodec(AccessTokenSchema);
  expect(() => codec.decode(text(3_000), location)).toThrow(CorruptRecordError);
  expect(() => frozenCopy(JSON.parse(nested(3_000)))).toThrow(InvalidRecordError);
  expect(frozenCopy(codec.decode(text(100), location)).clientId).toBe("a");
});

it("a map that holds itself is refused, and does not end the stack", () => {
  const map = new Map<string, unknown>();
  map.set("self", map);
  expect(() => frozenCopy(map)).toThrow(InvalidRecordError);
});

it("a few stored characters cannot make superjson ask for gigabytes", () => {
  const text = JSON.stringify({ json: [4e9], meta: { values: { 0: [["typed-array", "Uint8Array"]] } } });
  expect(() => superjsonCodec(z.array(z.unknown())).decode(text, location)).toThrow(CorruptRecordError);
});
