import { describe, expect, test } from "vitest";
import { z } from "zod";
import { CorruptRecordError, UnsealableError } from "../../../src/errors.ts";
import type { Codec, RecordLocation } from "../../../src/storage/codecs/codec.ts";
import { jsonCodec } from "../../../src/storage/codecs/json-codec.ts";
import { readExpiresAt } from "../../../src/storage/expiry.ts";
import { ItemRecords } from "../../../src/storage/vault/item-records.ts";
import { readVaultOptions } from "../../../src/storage/vault/options.ts";
import { tombstone } from "../../../src/storage/vault/tombstone.ts";
import type { VaultSecret } from "../../../src/storage/vault/vault-service.ts";
import { textCodec } from "../../support/text-codec.ts";

const secret = (rest: Partial<VaultSecret> = {}): VaultSecret => ({
  id: "pvi_a",
  name: "a",
  kind: undefined,
  addedWith: undefined,
  version: 1,
  text: "text",
  createdAt: "",
  writtenAt: "",
  ...rest,
});
const recordsOf = <V>(codec: Codec<V>, options = {}) =>
  new ItemRecords(codec, readExpiresAt, readVaultOptions({ clock: () => 60_000, ...options }));
const failing = (failure: Error): Codec<string> => ({
  encode: (text) => text,
  decode: () => {
    throw failure;
  },
});

test("a text has as many characters as Vault takes, and no more", () => {
  const records = recordsOf(textCodec);
  expect(records.encode("a", "x".repeat(10_240))).toHaveLength(10_240);
  expect(() => records.encode("a", "x".repeat(10_241))).toThrow(
    expect.objectContaining({ code: "ERR_RECORD_TOO_LARGE" }),
  );
});

test.each([
  [{}, "vault::"],
  [{ folder: "mcp", kind: "token" }, "vault:/mcp:token"],
])("with the options %j a sealed record is bound to the place %s, also after an upgrade", (options, repository) => {
  const places: RecordLocation[] = [];
  const codec: Codec<string> = {
    encode: (text, place) => {
      places.push(place);
      return text;
    },
    decode: (text, place) => {
      places.push(place);
      return text;
    },
  };
  const records = recordsOf(codec, options);
  records.encode("a", "text");
  records.read(secret());
  expect(places).toEqual([
    { repository, key: "a" },
    { repository, key: "a" },
  ]);
});

test.each([
  [{}, undefined, { name: "a", secret: "text" }],
  [{ folder: "/mcp" }, undefined, { name: "a", secret: "text", folder: "/mcp" }],
  [{ kind: "token" }, undefined, { name: "a", secret: "text", metadata: { kind: "token" } }],
  [{}, "mark", { name: "a", secret: "text", metadata: { added: "mark" } }],
  [{ kind: "token" }, "mark", { name: "a", secret: "text", metadata: { kind: "token", added: "mark" } }],
])("with the options %j and the mark %s an item has what was asked for, and nothing else", (options, mark, item) => {
  expect(recordsOf(textCodec, options).toItem("a", "text", mark)).toStrictEqual(item);
});

test.each([
  [undefined, undefined, false],
  [undefined, "other", false],
  ["token", undefined, false],
  ["token", "token", false],
  ["token", "other", true],
])("for a repository of the kind %s an item of the kind %s is of another kind: %s", (own, kind, expected) => {
  expect(recordsOf(textCodec, own === undefined ? {} : { kind: own }).isOfAnotherKind(secret({ kind }))).toBe(expected);
});

describe("a secret", () => {
  const records = recordsOf(jsonCodec(z.object({ expiresAt: z.number() })));
  const none = { value: undefined };

  test.each([
    ["with a record", '{"expiresAt":61}', { value: { expiresAt: 61 } }, { isLive: true, isOver: false }],
    ["with a record that has expired", '{"expiresAt":60}', none, { isLive: false, isOver: true }],
    ["that was taken", tombstone(), none, { isLive: false, isOver: true }],
    ["that Vault withholds", undefined, none, { isLive: false, isOver: false }],
    ["that cannot be read", "no record", undefined, { isLive: true, isOver: false }],
  ])("%s counts as what it is or may be", (_, text, read, { isLive, isOver }) => {
    expect(records.readIfReadable(secret({ text }))).toEqual(read);
    expect(records.isLive(secret({ text }))).toBe(isLive);
    expect(records.isOver(secret({ text }))).toBe(isOver);
  });
});

test("what nobody can read may be a record, and any other failure is passed on", () => {
  for (const failure of [new CorruptRecordError("corrupt"), new UnsealableError("sealed")]) {
    expect(recordsOf(failing(failure)).readIfReadable(secret())).toBeUndefined();
  }
  const mistake = new RangeError("a mistake in the codec");
  expect(() => recordsOf(failing(mistake)).readIfReadable(secret())).toThrow(mistake);
});

test("no two tombstones are alike, and only a text that begins as one is one", () => {
  expect(tombstone()).not.toBe(tombstone());
  const records = recordsOf(textCodec);
  const [begins, holds] = [tombstone(), ` ${tombstone()}`];
  expect(records.read(secret({ text: begins }))).toBeUndefined();
  expect(records.read(secret({ text: holds }))).toBe(holds);
});
