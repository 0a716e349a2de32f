import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { type ZodType, z } from "zod";
import { type ExpiringRecord, InMemoryRepository, jsonCodec, type ReadExpiry } from "../../src/index.ts";
import { RedisRepository, redisOptions } from "../../src/redis.ts";
import { superjsonCodec } from "../../src/superjson.ts";
import { PangeaVaultRepository } from "../../src/vault.ts";

/** A client that never connects. */
const redis = new Redis({ ...redisOptions(), lazyConnect: true });

const date = z.codec(z.number(), z.date(), {
  decode: (seconds) => new Date(seconds * 1000),
  encode: (at) => at.getTime() / 1000,
});

describe("a schema whose expiresAt may be no number", () => {
  it.each<[string, z.ZodType]>([
    ["a date", z.object({ expiresAt: z.date() })],
    ["a string", z.object({ expiresAt: z.string() })],
    ["a date in text", z.object({ expiresAt: z.iso.datetime() })],
    ["a date in JSON", z.object({ expiresAt: date })],
    ["a number or null", z.object({ expiresAt: z.number().nullable() })],
    ["a number, null or nothing", z.object({ expiresAt: z.number().nullish() })],
    ["an optional date", z.object({ expiresAt: z.date().optional() })],
    ["a date with a default", z.object({ expiresAt: z.date().default(new Date(0)) })],
    ["a number or a date", z.object({ expiresAt: z.union([z.number(), z.date()]) })],
    ["a bigint", z.object({ expiresAt: z.bigint() })],
    ["a word", z.object({ expiresAt: z.literal(["never", 0]) })],
    ["an object", z.object({ expiresAt: z.object({ seconds: z.number() }) })],
    ["a date, in one of two forms", z.union([z.object({ a: z.string() }), z.object({ expiresAt: z.date() })])],
    ["a date, in one of two halves", z.object({ a: z.string() }).and(z.object({ expiresAt: z.date() }))],
    ["a date, in a frozen record", z.object({ expiresAt: z.date() }).readonly()],
    ["a date, behind a check", z.object({ expiresAt: z.date() }).refine(() => true)],
    ["text, at the end of a pipe", z.object({ expiresAt: z.string() }).pipe(z.object({ expiresAt: z.string() }))],
  ])("is refused by every constructor: %s", (_, schema) => {
    const refusal = expect.objectContaining({ code: "ERR_CONFIGURATION", message: expect.stringMatching(/expiresAt/) });
    const expiresAt = () => undefined;
    expect(() => new InMemoryRepository(schema)).toThrow(refusal);
    expect(() => new InMemoryRepository(schema, { max: 5 })).toThrow(refusal);
    expect(() => new InMemoryRepository(schema, { expiresAt })).not.toThrow();
    expect(() => new RedisRepository(schema, redis, { prefix: "a" })).toThrow(refusal);
    expect(() => new RedisRepository(schema, redis, { prefix: "a", expiresAt })).not.toThrow();
    expect(() => new PangeaVaultRepository(schema, "pts_demo")).toThrow(refusal);
    expect(() => new PangeaVaultRepository(schema, "pts_demo", { expiresAt })).not.toThrow();
  });

  it("is refused by the compiler", () => {
    const withDate = z.object({ expiresAt: z.date() });
    const withNull = z.object({ expiresAt: z.number().nullable() });
    const inOneForm = z.union([z.object({ a: z.string() }), withDate]);
    const expiresAt = ({ expiresAt }: z.infer<typeof withDate>) => expiresAt;
    const constructions: (() => unknown)[] = [
      // @ts-expect-error
      () => new RedisRepository(withDate, redis, { prefix: "a" }),
      // @ts-expect-error
      () => new RedisRepository(withNull, redis, { prefix: "a" }),
      // @ts-expect-error
      () => new RedisRepository(inOneForm, redis, { prefix: "a" }),
      // @ts-expect-error
      () => new PangeaVaultRepository(withDate, "pts_demo"),
      // @ts-expect-error
      () => new PangeaVaultRepository(withDate, "pts_demo", { folder: "/a" }),
      // @ts-expect-error
      () => new InMemoryRepository(withDate),
      // @ts-expect-error
      () => new InMemoryRepository(withDate, { max: 5 }),
    ];
    for (const construct of constructions)
      expect(construct).toThrow(
        expect.objectContaining({ code: "ERR_CONFIGURATION", message: expect.stringMatching(/expiresAt/) }),
      );
    // A codec does not show its schema: what it reads is looked at record by record.
    // @ts-expect-error
    expect(() => new RedisRepository(superjsonCodec(withDate), redis, { prefix: "a" })).not.toThrow();
    // @ts-expect-error
    expect(() => new PangeaVaultRepository(jsonCodec(withNull), "pts_demo")).not.toThrow();

    expect(new RedisRepository(withDate, redis, { prefix: "a", expiresAt })).toBeDefined();
    expect(new PangeaVaultRepository(withDate, "pts_demo", { expiresAt })).toBeDefined();
    expect(new InMemoryRepository(withDate, { expiresAt })).toBeDefined();
  });
});

describe("a schema whose expiresAt is a number, or whose records never expire", () => {
  it.each<[string, z.ZodType]>([
    ["a number", z.object({ expiresAt: z.number() })],
    ["a whole number", z.object({ expiresAt: z.int() })],
    ["an optional one", z.object({ expiresAt: z.number().optional() })],
    ["one that is made of text", z.object({ expiresAt: z.coerce.number() })],
    ["one with a default", z.object({ expiresAt: z.number().default(0) })],
    ["nothing of that name", z.object({ name: z.string() })],
    ["text", z.string()],
    ["any JSON", z.json()],
    ["anything", z.unknown()],
    ["any members", z.record(z.string(), z.unknown())],
    ["the number 0", z.object({ expiresAt: z.literal(0) })],
    ["one that is transformed", z.object({ expiresAt: z.string().transform(Number) })],
    ["one in two forms", z.union([z.object({ expiresAt: z.number() }), z.object({ a: z.string() })])],
  ])("is taken by every constructor: %s", (_, schema) => {
    expect(new InMemoryRepository(schema)).toBeDefined();
    expect(new RedisRepository(schema, redis, { prefix: "a" })).toBeDefined();
    expect(new PangeaVaultRepository(schema, "pts_demo")).toBeDefined();
  });

  it("is taken by the compiler, also where its type is open but for the expiry", () => {
    const generic = <V extends ExpiringRecord>(schema: ZodType<V>) => [
      new InMemoryRepository(schema),
      new InMemoryRepository<string, V>(),
      new RedisRepository(schema, redis, { prefix: "a" }),
      new PangeaVaultRepository(schema, "pts_demo", { folder: "/a" }),
    ];
    expect(generic(z.object({ expiresAt: z.number() }))).toHaveLength(4);
    const explicit = <V>(schema: ZodType<V>, expiresAt: ReadExpiry<V>) => [
      new RedisRepository(schema, redis, { prefix: "a", expiresAt }),
      // @ts-expect-error Nobody can tell of such a record when it expires.
      new RedisRepository(schema, redis, { prefix: "a" }),
    ];
    expect(explicit(z.object({ end: z.number() }), (record) => record.end)).toHaveLength(2);
    expect(
      new RedisRepository(z.object({ name: z.string() }), redis, {
        prefix: "a",
        indexes: { initial: ({ name }) => name.charAt(0) },
      }).indexNames,
    ).toEqual(["initial"]);
    expect(new RedisRepository<unknown>(z.json(), redis, { prefix: "a" })).toBeDefined();
    expect(new RedisRepository(z.string(), redis, { prefix: "a" })).toBeDefined();
  });
});
