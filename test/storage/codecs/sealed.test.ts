import { describe, expect, it } from "vitest";
import { z } from "zod";
import { CorruptRecordError, jsonCodec, KeyRing, sealed, tokenKey, UnsealableError } from "../../../src/index.ts";
import { UnreadableRecords } from "../../../src/storage/unreadable-records.ts";
import { superjsonCodec } from "../../../src/superjson.ts";

const schema = z.object({ name: z.string() });
const [oldSecret, newSecret] = ["o".repeat(32), "n".repeat(32)];
const codec = sealed(schema, KeyRing.from(oldSecret));
const here = { repository: "grants", key: "one" };
const record = { name: "confidential" };

const failureOf = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (failure) {
    return failure;
  }
};

describe.each([
  [
    "JSON without keys over a sealed record",
    () => jsonCodec(schema).decode(codec.encode(record, here), here),
    /no keys/,
  ],
  [
    "superjson without keys over a sealed record",
    () => superjsonCodec(schema).decode(codec.encode(record, here), here),
    /no keys/,
  ],
  [
    "other keys over a sealed record",
    () => sealed(schema, KeyRing.from(newSecret)).decode(codec.encode(record, here), here),
    /keep old secrets/,
  ],
  ["keys over a record in plain text", () => codec.decode('{"name":"x"}', here), /not sealed.*without keys/],
])("%s", (_, read, says) => {
  it("is told as a matter of keys, and nobody is advised to delete the record", () => {
    const failure = failureOf(read);
    expect(failure).toMatchObject({ code: "ERR_UNSEALABLE", message: expect.stringMatching(says) });
    const unreadable = new UnreadableRecords();
    unreadable.read(read);
    expect(`${String(failure)} ${String(failureOf(() => unreadable.throwIfAny()))}`).not.toMatch(/delete/i);
  });
});

it("a text that only begins like a sealed one is corrupt to a codec without keys", () => {
  for (const text of ["v2", "v2.", "v2.a.b.c", "v1.AAAAAAAA.b.c"])
    expect(failureOf(() => jsonCodec(schema).decode(text, here))).toBeInstanceOf(CorruptRecordError);
});

describe("a sealed codec", () => {
  it("hides the record and gives it back", () => {
    const text = codec.encode(record, here);
    expect(text).not.toContain("confidential");
    expect(text).not.toBe(codec.encode(record, here));
    expect(codec.decode(text, here)).toEqual(record);
  });

  it.each([
    ["another key", { repository: "grants", key: "two" }],
    ["another repository", { repository: "tokens", key: "one" }],
    ["a place that reads alike", { repository: 'grants","x', key: "one" }],
  ])("does not open a value that was moved to %s", (_, elsewhere) => {
    expect(() => codec.decode(codec.encode(record, here), elsewhere)).toThrow(UnsealableError);
  });

  it("reads under old secrets and writes under the first", () => {
    const rotated = sealed(schema, KeyRing.from([newSecret, oldSecret]));
    expect(rotated.decode(codec.encode(record, here), here)).toEqual(record);
    expect(() => codec.decode(rotated.encode(record, here), here)).toThrow(UnsealableError);
  });

  it("says which record it cannot open, by its key's hash, and shows nothing of it", () => {
    const other = sealed(schema, KeyRing.from(newSecret));
    expect(() => other.decode(codec.encode(record, here), here)).toThrow(
      expect.objectContaining({
        code: "ERR_UNSEALABLE",
        cause: expect.objectContaining({ keyId: expect.any(String) }),
      }),
    );
    expect(() => other.decode("x", here)).toThrow(tokenKey("one"));
  });

  it("refuses every value in which a character was changed", () => {
    const text = codec.encode(record, here);
    for (let index = 0; index < text.length; index += 1) {
      const changed = text[index] === "A" ? "B" : "A";
      const altered = text.slice(0, index) + changed + text.slice(index + 1);
      expect(() => codec.decode(altered, here), `character ${index}`).toThrow(UnsealableError);
    }
  });

  it("takes no other text for the same bytes", () => {
    const text = codec.encode(record, here);
    for (const same of [`${text}=`, ` ${text}`, `${text}\n`, text.replaceAll("_", "/"), `${text}.`]) {
      if (same !== text) expect(() => codec.decode(same, here)).toThrow(UnsealableError);
    }
  });

  it.each(["", "v2", "v2.a.b", "v2....", "v2.a.b.c", "v1.a.b.c", "plain text", '{"name":"x"}'])(
    "refuses %j",
    (text) => {
      expect(() => codec.decode(text, here)).toThrow(UnsealableError);
    },
  );

  it("refuses a record of another schema that was sealed at the same place", () => {
    const text = sealed(z.number(), KeyRing.from(oldSecret)).encode(1, here);
    expect(() => codec.decode(text, here)).toThrow(CorruptRecordError);
  });
});
