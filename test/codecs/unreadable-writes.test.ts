import { expect, it } from "vitest";
import { z } from "zod";
import { superjsonCodec } from "../../src/codecs/superjson.ts";
import { AccessTokenSchema, CorruptRecordError, InvalidRecordError, jsonCodec } from "../../src/index.ts";
import { frozenCopy } from "../../src/repository/freeze.ts";

const location = { repository: "any", key: "a key" };
const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;

it.each([
  ["a date", z.object({ at: z.date() }), { at: new Date(0) }],
  ["a map", z.object({ all: z.map(z.string(), z.number()) }), { all: new Map([["a", 1]]) }],
  ["a URL", z.object({ url: z.instanceof(URL) }), { url: new URL("https://app.example/") }],
])("a record with %s, which JSON cannot give back, is not written as JSON", (_, schema, value) => {
  expect(() => jsonCodec<unknown>(schema).encode(value, location)).toThrow(InvalidRecordError);
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
