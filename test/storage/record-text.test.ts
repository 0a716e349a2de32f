import { describe, expect, test } from "vitest";
import { z } from "zod";
import { type Codec, RecordText } from "../../src/index.ts";
import { ManualClock } from "../support/manual-clock.ts";

const here = { repository: "people", key: "one" };
interface Person {
  readonly name: string;
  readonly expiresAt?: number | undefined;
}
const schema = z.object({ name: z.string(), expiresAt: z.number().optional() });

/** Writes JSON, and reads of it what the test makes of it. */
function codecThat(change: (read: Person) => unknown): Codec<Person> {
  return { encode: (value) => JSON.stringify(value), decode: (text) => change(JSON.parse(text)) as Person };
}

const invalid = expect.objectContaining({ code: "ERR_INVALID_RECORD" });

describe("a record that is to be written", () => {
  test("has the expiry that a read will find, and its place in the indexes", () => {
    const texts = new RecordText<Person>(schema, { indexes: { name: ({ name }) => name } });
    expect(texts.encode({ name: "Ada", expiresAt: 5 }, here)).toEqual({
      text: '{"name":"Ada","expiresAt":5}',
      expiresAt: 5,
      indexEntry: texts.indexes.entryOf({ name: "Ada" }, "people"),
    });
    expect(texts.encode({ name: "Ada" }, here)).toMatchObject({ expiresAt: undefined });
    expect(new RecordText<Person>(schema).encode({ name: "Ada" }, here)).toEqual({
      text: '{"name":"Ada"}',
      expiresAt: undefined,
      indexEntry: undefined,
    });
  });

  test("is read back by somebody else's codec only where its expiry or an index is to be known", () => {
    let reads = 0;
    const codec = codecThat((read) => {
      reads += 1;
      return read;
    });
    expect(new RecordText(codec).encode({ name: "Ada" }, here)).toEqual({
      text: '{"name":"Ada"}',
      expiresAt: undefined,
      indexEntry: undefined,
    });
    expect(reads).toBe(0);
    new RecordText(codec).encode({ name: "Ada", expiresAt: 5 }, here);
    expect(reads).toBe(1);
    expect(
      new RecordText(codec, { indexes: { name: ({ name }) => name } }).encode({ name: "Ada" }, here),
    ).toMatchObject({
      indexEntry: { labels: [expect.any(String)] },
    });
    expect(reads).toBe(2);
  });

  test.each<readonly [string, (read: Person) => unknown]>([
    ["drops its expiry", ({ name }) => ({ name })],
    ["makes text of its expiry", ({ name }) => ({ name, expiresAt: "5" })],
    ["makes a later time of its expiry", ({ name, expiresAt = 0 }) => ({ name, expiresAt: expiresAt + 1.5 })],
    ["makes an earlier time of its expiry", ({ name, expiresAt = 0 }) => ({ name, expiresAt: expiresAt - 1.5 })],
  ])("is refused where its codec %s", (_, change) => {
    const texts = new RecordText(codecThat(change));
    expect(() => texts.encode({ name: "Ada", expiresAt: 5 }, here)).toThrow(invalid);
    expect(() => texts.readBack({ name: "Ada", expiresAt: 5 }, here)).toThrow(invalid);
  });

  test("is refused where its codec gives it an expiry that is no time", () => {
    const texts = new RecordText(
      codecThat(({ name }) => ({ name, expiresAt: "soon" })),
      { indexes: { name: ({ name }) => name } },
    );
    expect(() => texts.encode({ name: "Ada" }, here)).toThrow(invalid);
    expect(() => texts.readBack({ name: "Ada" }, here)).toThrow(invalid);
  });

  test.each([-1, 1])("may have its expiry rounded by %i second", (seconds) => {
    const texts = new RecordText(codecThat(({ name, expiresAt = 0 }) => ({ name, expiresAt: expiresAt + seconds })));
    expect(texts.encode({ name: "Ada", expiresAt: 5 }, here).expiresAt).toBe(5 + seconds);
    expect(texts.readBack({ name: "Ada", expiresAt: 5 }, here)).toEqual({ name: "Ada", expiresAt: 5 + seconds });
  });

  test("has the expiry that a read gives it, where it has none itself", () => {
    const texts = new RecordText(
      codecThat(({ name }) => ({ name, expiresAt: 7 })),
      { indexes: { name: ({ name }) => name } },
    );
    expect(texts.encode({ name: "Ada" }, here).expiresAt).toBe(7);
  });
});

describe("a stored record", () => {
  test("is absent from its expiry on, by the clock that the repository has", () => {
    const clock = new ManualClock();
    const texts = new RecordText<Person>(schema, { clock: clock.read });
    const { text } = texts.encode({ name: "Ada", expiresAt: clock.seconds(1) }, here);
    expect(texts.decode(text, here)).toMatchObject({ name: "Ada" });
    expect(texts.decode('{"name":"Bob"}', here)).toEqual({ name: "Bob" });
    clock.advance(999);
    expect(texts.decode(text, here)).toBeDefined();
    clock.advance(1);
    expect(texts.decode(text, here)).toBeUndefined();
  });

  test("whose expiry is no time is corrupt, and what is right tells when it expires and how it is found", () => {
    const texts = new RecordText<Person>(
      codecThat((read) => read),
      { indexes: { name: ({ name }) => name } },
    );
    const corrupt = expect.objectContaining({ code: "ERR_CORRUPT_RECORD" });
    expect(() => texts.decode('{"name":"Ada","expiresAt":"soon"}', here)).toThrow(corrupt);
    expect(() => texts.indexed(JSON.parse('{"name":"Ada","expiresAt":"soon"}'), here)).toThrow(corrupt);
    expect(texts.indexed({ name: "Ada", expiresAt: 5 }, here)).toEqual({
      expiresAt: 5,
      indexEntry: texts.indexes.entryOf({ name: "Ada" }, "people"),
    });
  });
});

test.each([
  ["options", schema, "options"],
  ["a clock", schema, { clock: 5 }],
  ["a reader of the expiry", schema, { expiresAt: "until" }],
  ["indexes", schema, { indexes: "name" }],
  ["a schema", "schema", {}],
  ["a schema whose expiry is a number", z.object({ expiresAt: z.date() }), {}],
])("what is no such thing is refused: %s", (_, schemaOrCodec, options) => {
  expect(() => Reflect.construct(RecordText, [schemaOrCodec, options])).toThrow(
    expect.objectContaining({ code: "ERR_CONFIGURATION" }),
  );
});
