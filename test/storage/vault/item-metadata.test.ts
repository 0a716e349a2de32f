import { expect, test } from "vitest";
import { indexMembers, indexPlaceOf } from "../../../src/storage/vault/item-metadata.ts";

const indexed = "key.user";
const [first, second, third] = ["1st", "2nd", "3rd"];

test.each([
  ["no entry", undefined, undefined],
  ["an entry before there are keys for labels", { scheme: "", labels: [first] }, undefined],
  ["a record that is in no index", { scheme: indexed, labels: [undefined] }, { indexed }],
  ["a record that is in one", { scheme: indexed, labels: [first] }, { indexed, label1: first }],
  [
    "a record that is in the second and not in the first",
    { scheme: indexed, labels: [undefined, second] },
    { indexed, label2: second },
  ],
  [
    "a record that is in three",
    { scheme: indexed, labels: [first, second, third] },
    { indexed, label1: first, label2: second, label3: third },
  ],
])("the members of %s are what an index finds it by", (_, entry, members) => {
  expect(indexMembers(entry)).toStrictEqual(members);
});

test.each([
  ["nothing", {}],
  ["labels alone", { label1: first }],
  ["the writer's mark", { writer: "pangea-authn-fastmcp" }],
  ["the writer's mark beside a scheme that an update has left", { indexed, writer: "pangea-authn-fastmcp" }],
])("metadata of %s gives no place", (_, metadata) => {
  expect(indexPlaceOf(metadata)).toBeUndefined();
});

test("each scheme and each label is another place, and the kind is none", () => {
  const places = [
    { indexed },
    { indexed: "other.user" },
    { indexed, label1: first },
    { indexed, label1: second },
    { indexed, label2: first },
    { indexed, label3: first },
    { indexed, label1: first, label2: second },
    { indexed, label1: first, label2: second, label3: third },
  ].map(indexPlaceOf);
  expect(places).not.toContain(undefined);
  expect(new Set(places).size).toBe(places.length);
  expect(indexPlaceOf({ indexed, label1: first, kind: "login" })).toBe(indexPlaceOf({ indexed, label1: first }));
});
