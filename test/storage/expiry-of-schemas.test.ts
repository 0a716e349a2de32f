import { describe, expect, it } from "vitest";
import { z } from "zod";
import { requireReadableExpiry } from "../../src/storage/readable-expiry.ts";

const expiryOf = (member: z.ZodType) => () => requireReadableExpiry(z.object({ expiresAt: member }), undefined);
const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION" });

describe("the expiresAt of a schema", () => {
  it.each<[string, z.ZodType]>([
    ["a list", z.array(z.number())],
    ["a bigint", z.bigint()],
    ["a boolean", z.boolean()],
    ["a date", z.date()],
    ["a file", z.file()],
    ["a function", Reflect.apply(z.function, z, [])],
    ["a map", z.map(z.string(), z.number())],
    ["NaN", z.nan()],
    ["null", z.null()],
    ["an object", z.object({})],
    ["a promise", z.promise(z.number())],
    ["a record", z.record(z.string(), z.number())],
    ["a set", z.set(z.number())],
    ["a text", z.string()],
    ["a symbol", z.symbol()],
    ["a text of a form", z.templateLiteral(["until ", z.number()])],
    ["a pair", z.tuple([z.number(), z.number()])],
    ["a number or null", z.number().nullable()],
    ["a word or a number", z.literal(["never", 0])],
    ["a number or a text", z.union([z.number(), z.string()])],
    ["what ends as a text", z.number().pipe(z.transform(String)).pipe(z.string())],
    ["a text that may be left out", z.string().optional()],
    ["a text that may not be left out", z.string().optional().nonoptional()],
    ["a frozen date", z.date().readonly()],
    ["a text by default", z.string().default("soon")],
    ["a text by default, before it is read", z.string().prefault("soon")],
    ["a text where nothing else is", z.string().catch("soon")],
  ])("may not be %s", (_, member) => {
    expect(expiryOf(member)).toThrow(refusal);
    expect(() =>
      requireReadableExpiry(z.object({ expiresAt: member }) as z.ZodType<unknown>, () => undefined),
    ).not.toThrow();
  });

  it.each<[string, z.ZodType]>([
    ["a number", z.number()],
    ["a number that may be left out", z.number().optional()],
    ["a number that may not be left out", z.number().optional().nonoptional()],
    ["a frozen number", z.number().readonly()],
    ["a number by default", z.number().default(5)],
    ["a number by default, before it is read", z.number().prefault(5)],
    ["a number where nothing else is", z.number().catch(5)],
    ["0 or nothing", z.literal([0, undefined])],
    ["nothing", z.undefined()],
    ["one number or another", z.union([z.int(), z.number()])],
    ["what ends as a number", z.string().transform(Number).pipe(z.number())],
    ["anything", z.unknown()],
    ["what nobody can tell", z.custom<number>()],
  ])("may be %s", (_, member) => {
    expect(expiryOf(member)).not.toThrow();
  });

  it.each<[string, z.ZodType]>([
    ["one of two forms", z.union([z.object({ a: z.string() }), z.object({ expiresAt: z.date() })])],
    ["one of two halves", z.object({ a: z.string() }).and(z.object({ expiresAt: z.date() }))],
    ["the other half", z.object({ expiresAt: z.date() }).and(z.object({ a: z.string() }))],
    ["what a pipe ends with", z.unknown().pipe(z.object({ expiresAt: z.date() }))],
    ["a record that may be left out", z.object({ expiresAt: z.date() }).optional()],
    ["a frozen record", z.object({ expiresAt: z.date() }).readonly()],
  ])("is looked for in %s", (_, schema) => {
    expect(() => requireReadableExpiry(schema, undefined)).toThrow(refusal);
  });

  it("is not looked for in what is no schema, or no object", () => {
    const codec = { encode: () => "", decode: () => ({}) };
    for (const other of [codec, z.string(), z.object({ until: z.date() })]) {
      expect(() => Reflect.apply(requireReadableExpiry, undefined, [other, undefined])).not.toThrow();
    }
  });
});
