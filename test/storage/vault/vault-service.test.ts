import { expect, test } from "vitest";
import { readSecret } from "../../../src/storage/vault/vault-service.ts";

const item = { id: "pvi_a", name: "a", item_versions: [{ version: 1, secret: "text" }] };
const versions = [{ version: 2, secret: "new" }, { version: 3, secret: "newest" }, { version: 1 }];
const [early, late] = ["2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z"];

test.each([
  ["its text and version", item, { id: "pvi_a", name: "a", text: "text", version: 1 }],
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
