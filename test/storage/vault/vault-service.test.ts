import { expect, test } from "vitest";
import { readSecret, readVersions, type VaultSecret } from "../../../src/storage/vault/vault-service.ts";

const item = { id: "pvi_a", name: "a", item_versions: [{ version: 1, secret: "text" }] };
const versions = [{ version: 2, secret: "new" }, { version: 3, secret: "newest" }, { version: 1 }];
const [early, late] = ["2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"];

test.each([
  ["its text and version", item, { id: "pvi_a", name: "a", text: "text", version: 1 }],
  ["its type", { ...item, type: "secret" }, { id: "pvi_a", text: "text" }],
  ["the newest of its versions", { ...item, item_versions: versions }, { text: "newest", version: 3 }],
  ["no text where Vault withholds it", { ...item, enabled: false }, { text: undefined }],
  ["its text where it is enabled", { ...item, enabled: true }, { text: "text" }],
  ["no times", item, { createdAt: "", writtenAt: "" }],
  ["the time of its creation", { ...item, created_at: early }, { createdAt: early, writtenAt: early }],
  [
    "the time of its last writing",
    { ...item, created_at: early, last_rotated: late },
    { createdAt: early, writtenAt: late },
  ],
  ["no kind and no mark", item, { kind: undefined, addedWith: undefined }],
  ["its kind and its mark", { ...item, metadata: { kind: "k", added: "m" } }, { kind: "k", addedWith: "m" }],
])("an item of Vault is read as a secret with %s", (_, read, expected) => {
  expect(readSecret(read)).toMatchObject(expected);
});

test.each([
  ["has no versions, as a folder", { id: "pvi_a", name: "a" }],
  ["has an empty list of versions", { ...item, item_versions: [] }],
  ["has no name", { ...item, name: undefined }],
  ["has null for a name", { ...item, name: null }],
])("what %s is no secret", (_, read) => {
  expect(readSecret(read)).toBeUndefined();
});

test.each([
  ["null", null],
  ["text", "item"],
  ["nothing", undefined],
  ["an item with an empty id", { ...item, id: "" }],
])("%s is no item of Vault", (_, read) => {
  expect(() => readSecret(read)).toThrow(expect.objectContaining({ code: "ERR_STORAGE_UNAVAILABLE" }));
});

test.each<[string, Partial<VaultSecret>, object | null]>([
  ["another application's", { writer: "billing" }, { writer: "billing" }],
  ["this package's, in the index", { writer: "pangea-authn-fastmcp" }, { indexed: "scheme" }],
  ["nobody's", { writer: undefined }, { label1: "label" }],
  ["nobody's without metadata", { writer: undefined, kind: undefined, indexPlace: undefined }, null],
  ["in no place", { indexPlace: undefined }, { writer: "pangea-authn-fastmcp", indexed: "scheme" }],
  ["in a place", { indexPlace: expect.any(String) }, { indexed: "scheme", label1: "label" }],
])("an item is %s as its metadata says", (_, expected, metadata) => {
  expect(readSecret({ ...item, metadata })).toMatchObject(expected);
});

test("an item is in the folder that Vault says", () => {
  expect(readSecret({ ...item, folder: "/mcp/" })).toMatchObject({ folder: "/mcp/" });
  expect(readSecret({ ...item, folder: null })).toMatchObject({ folder: undefined });
});

test.each(["asymmetric_key", "folder", null])("an item of the type %s is no secret", (type) => {
  expect(readSecret({ ...item, type })).toBeUndefined();
});

test("the versions of an item are read, the oldest first, and none is one that has another form", () => {
  const read = {
    ...item,
    item_versions: [
      { version: 2, secret: "b", state: "active" },
      { version: 1, secret: null },
    ],
  };
  expect(readVersions(read)).toStrictEqual([
    { version: 1, text: undefined, state: undefined },
    { version: 2, text: "b", state: "active" },
  ]);
  for (const other of [undefined, { ...item, item_versions: [{}] }]) {
    expect(() => readVersions(other)).toThrow(expect.objectContaining({ code: "ERR_STORAGE_UNAVAILABLE" }));
  }
});
