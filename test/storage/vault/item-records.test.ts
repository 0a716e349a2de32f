import { describe, expect, test } from "vitest";
import { z } from "zod";
import { CorruptRecordError, UnsealableError } from "../../../src/errors.ts";
import type { Codec, RecordLocation } from "../../../src/storage/codecs/codec.ts";
import { jsonCodec } from "../../../src/storage/codecs/json-codec.ts";
import { readExpiresAt } from "../../../src/storage/expiry.ts";
import { UnreadableRecords } from "../../../src/storage/unreadable-records.ts";
import { ItemRecords } from "../../../src/storage/vault/item-records.ts";
import { readVaultOptions } from "../../../src/storage/vault/options.ts";
import { tombstone } from "../../../src/storage/vault/tombstone.ts";
import type { VaultSecret } from "../../../src/storage/vault/vault-service.ts";
import { textCodec } from "../../support/text-codec.ts";
import { vaultSecret } from "../../support/vault-secret.ts";

const secret = (rest: Partial<VaultSecret> = {}) =>
  vaultSecret("pvi_a", { text: "text", createdAt: "", writtenAt: "", ...rest });
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
  expect(records.encode("a", "x".repeat(10_240)).text).toHaveLength(10_240);
  expect(() => records.encode("a", "x".repeat(10_241))).toThrow(
    expect.objectContaining({ code: "ERR_RECORD_TOO_LARGE" }),
  );
});

test.each([
  [{}, "vault:/pangea-authn-fastmcp:"],
  [{ namespace: "one" }, "vault:/pangea-authn-fastmcp/one:"],
  [{ folder: false }, "vault::"],
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

const writer = "pangea-authn-fastmcp";

test.each([
  [{}, undefined, { folder: "/pangea-authn-fastmcp", metadata: { writer } }],
  [{ folder: false as const }, undefined, { metadata: { writer } }],
  [{ folder: "/mcp" }, undefined, { folder: "/mcp", metadata: { writer } }],
  [{ folder: "/mcp", namespace: "one" }, undefined, { folder: "/mcp/one", metadata: { writer } }],
  [{ folder: "/mcp", kind: "token" }, undefined, { folder: "/mcp", metadata: { writer, kind: "token" } }],
  [{ folder: "/mcp" }, "mark", { folder: "/mcp", metadata: { writer, added: "mark" } }],
  [{ folder: "/mcp", kind: "token" }, "mark", { folder: "/mcp", metadata: { writer, kind: "token", added: "mark" } }],
])("with the options %j and the mark %s an item has what was asked for, and nothing else", (options, mark, rest) => {
  const item = { name: "a", secret: "text", ...rest };
  expect(recordsOf(textCodec, options).toItem("a", "text", undefined, mark)).toStrictEqual(item);
});

const named = { folder: "/mcp", kind: "token" };
const unnamed = { kind: "token" };
const nobody = { isOurs: false, isCertainlyOurs: false };
const ours = { isOurs: true, isCertainlyOurs: true };
const byKey = { isOurs: true, isCertainlyOurs: false };

test.each<[string, object, Partial<VaultSecret>, typeof ours]>([
  ["with this package's mark, in the default folder", unnamed, { writer, kind: "token" }, ours],
  ["with this package's mark, in a named folder", named, { writer, kind: "token" }, ours],
  ["with this package's mark and another kind", named, { writer, kind: "other" }, nobody],
  ["with this package's mark and no kind", named, { writer }, nobody],
  ["with this package's mark and a kind, where none is asked for", { folder: "/mcp" }, { writer, kind: "x" }, nobody],
  ["with another application's mark", named, { writer: "pangea-authn-fastmcp2", kind: "token" }, nobody],
  ["without a mark, in the default folder", unnamed, {}, byKey],
  ["without a mark, in a named folder", named, {}, byKey],
  ["without a mark but with the kind", named, { kind: "token" }, ours],
  ["without a mark and with another kind", named, { kind: "tokens" }, nobody],
  ["without a mark and with a kind, where none is asked for", { folder: "/mcp" }, { kind: "token" }, nobody],
  ["without a mark, where no folder is wanted", { folder: false, kind: "token" }, {}, byKey],
  ["without a mark, in a folder that is taken over", { ...named, takeOver: true }, {}, ours],
  ["of another folder", named, { writer, kind: "token", folder: "/mcp2/" }, nobody],
  ["of a folder within the folder", named, { writer, kind: "token", folder: "/mcp/token/" }, nobody],
  ["of the folder, as Vault spells it", named, { writer, kind: "token", folder: "/mcp/" }, ours],
  [
    "of a folder, where none is wanted",
    { folder: false, kind: "token" },
    { writer, kind: "token", folder: "/a" },
    ours,
  ],
  ["of any folder, where no folder is wanted", { folder: false, kind: "token" }, { writer, kind: "token" }, ours],
])("an item %s is what it is", (_, options, rest, expected) => {
  const records = recordsOf(textCodec, options);
  const item = secret(rest);
  expect({ isOurs: records.isOurs(item), isCertainlyOurs: records.isCertainlyOurs(item) }).toEqual(expected);
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

test.each<[string, Partial<VaultSecret>, string, read: unknown, count: number]>([
  ["a record", { writer }, "record", { user: "ada" }, 0],
  ["no record, with this package's mark", { writer }, "no record", undefined, 1],
  ["no record, with a kind", { kind: "login" }, "no record", undefined, 1],
  ["no record, without a mark", {}, "no record", undefined, 0],
  ["a record, without a mark", {}, "record", { user: "ada" }, 0],
])("of %s a listing counts what it has to tell of", (_, rest, what, read, count) => {
  const records = recordsOf(jsonCodec(z.object({ user: z.string() })), { kind: "login" });
  const unreadable = new UnreadableRecords();
  const item = secret({ ...rest, text: what === "record" ? '{"user":"ada"}' : what });
  expect(records.readOrCount(item, unreadable)).toEqual(read);
  if (count === 0) expect(() => unreadable.throwIfAny()).not.toThrow();
  else
    expect(() => unreadable.throwIfAny()).toThrow(expect.objectContaining({ code: "ERR_UNREADABLE_RECORDS", count }));
});

describe("the place that the index should have for an item", () => {
  const schema = z.object({ user: z.string(), expiresAt: z.number() });
  const codec = jsonCodec(schema);
  const keys = { labels: (text: string) => [{ keyId: "key", label: `label of ${text}` }] };
  const placeOf = (text: string | undefined, indexes = {}, labels = keys) =>
    new ItemRecords<z.infer<typeof schema>>(
      { encode: codec.encode, decode: codec.decode, ...labels },
      readExpiresAt,
      readVaultOptions({ clock: () => 60_000, kind: "login" }),
      indexes,
    ).placeOf(secret({ text }));
  const indexes = { user: ({ user }: { user: string }) => user };
  const textOf = (user: string, expiresAt = 61) => JSON.stringify({ user, expiresAt });

  test("goes by what the record has in it", () => {
    const [ada, again, bob] = ["ada", "ada", "bob"].map((user) => placeOf(textOf(user), indexes));
    expect(ada).toEqual(expect.any(String));
    expect(again).toBe(ada);
    expect(bob).not.toBe(ada);
  });

  test.each([
    ["there are no indexes", textOf("ada"), {}],
    ["the record has expired", textOf("ada", 60), indexes],
    ["the record was taken", tombstone(), indexes],
    ["there is no record", "no record", indexes],
    ["Vault withholds it", undefined, indexes],
  ])("is none where %s", (_, text, of) => {
    expect(placeOf(text, of)).toBeUndefined();
  });

  test("is none before there are keys for the labels", () => {
    expect(placeOf(textOf("ada"), indexes, { labels: () => [] })).toBeUndefined();
  });
});
