import { expect, test } from "vitest";
import { CorruptRecordError } from "../../src/errors.ts";
import { searchByIndex } from "../../src/storage/index-search.ts";
import { type IndexEntry, type IndexQuery, RecordIndexes } from "../../src/storage/record-indexes.ts";

interface Row {
  readonly key: string;
  /** Undefined for a row that nobody has labelled yet. */
  entry?: IndexEntry | undefined;
  /** What a read gives: undefined for what has expired. */
  readonly record: { readonly user: string } | "unreadable" | undefined;
}

const indexes = new RecordIndexes<{ readonly user: string }>({ user: ({ user }) => user }, {});
const entryOf = (user: string) => indexes.entryOf({ user }, "table");

/** A table of rows, and the keys of the rows that were read and of those that were labelled together. */
function tableOf(rows: readonly Row[], labelledTogether = 100, takesLabels = true) {
  const read: string[] = [];
  const labelled: string[][] = [];
  const hasLabel = ({ entry }: Row, { position, labels }: IndexQuery) =>
    labels.includes(entry?.labels[position] ?? "none");
  const searched = {
    rows: {
      async *ofOtherSchemes(known: readonly string[]) {
        for (const row of rows) if (row.entry === undefined || !known.includes(row.entry.scheme)) yield { ...row };
      },
      async *ofLabels(query: IndexQuery) {
        for (const row of rows) if (hasLabel(row, query)) yield { ...row };
      },
      async label(those: readonly Row[]) {
        labelled.push(those.map(({ key }) => key));
        if (!takesLabels) return;
        for (const { key, entry } of those) for (const row of rows) if (row.key === key) row.entry = entry;
      },
    },
    indexes,
    name: "table",
    labelledTogether,
    read({ key, record }: Row) {
      read.push(key);
      if (record === "unreadable") throw new CorruptRecordError("The test spoils it.");
      return record;
    },
  };
  const find = async (user: string, index = "user"): Promise<string[]> => {
    const found: string[] = [];
    for await (const [key, record] of searchByIndex<{ readonly user: string }, Row>(searched, index, user)) {
      expect(record).toEqual({ user });
      found.push(key);
    }
    return found;
  };
  return { find, read, labelled };
}

test("rows without labels are read and labelled once, and found by their labels then", async () => {
  const { find, read, labelled } = tableOf([
    { key: "a", record: { user: "ada" } },
    { key: "b", record: { user: "bob" } },
    { key: "c", record: { user: "ada" }, entry: entryOf("ada") },
    { key: "d", record: { user: "bob" }, entry: entryOf("bob") },
  ]);
  expect((await find("ada")).sort()).toEqual(["a", "c"]);
  expect(labelled).toEqual([["a", "b"]]);
  read.length = 0;
  expect((await find("ada")).sort()).toEqual(["a", "c"]);
  expect(read.sort()).toEqual(["a", "c"]);
});

test("rows that take no labels, as where they have changed since, are found all the same", async () => {
  const rows = [
    { key: "a", record: { user: "ada" } },
    { key: "b", record: { user: "bob" } },
  ];
  const { find } = tableOf(rows, 100, false);
  for (const _ of ["the first time", "the next"]) expect(await find("ada")).toEqual(["a"]);
});

test("rows whose labels were made in another way are read and labelled again", async () => {
  const { find, labelled } = tableOf([
    { key: "a", record: { user: "ada" }, entry: { scheme: "another", labels: ["another"] } },
  ]);
  expect(await find("ada")).toEqual(["a"]);
  expect(labelled.flat()).toEqual(["a"]);
});

test("rows are labelled so many together, and the rest of them at the end", async () => {
  const rows = ["a", "b", "c", "d", "e"].map((key) => ({ key, record: { user: "ada" } }));
  const { find, labelled } = tableOf(rows, 2);
  expect(await find("ada")).toEqual(["a", "b", "c", "d", "e"]);
  expect(labelled).toEqual([["a", "b"], ["c", "d"], ["e"]]);
});

test("what has expired is neither given nor labelled, and what its label leads to by mistake is not given", async () => {
  const { find, labelled } = tableOf([
    { key: "over", record: undefined },
    { key: "over and labelled", record: undefined, entry: entryOf("ada") },
    { key: "had another value", record: { user: "bob" }, entry: entryOf("ada") },
  ]);
  expect(await find("ada")).toEqual([]);
  expect(labelled.flat()).toEqual([]);
});

test("what cannot be read is counted at the end, with labels and without", async () => {
  const { find } = tableOf([
    { key: "a", record: "unreadable" },
    { key: "b", record: { user: "ada" } },
    { key: "c", record: "unreadable", entry: entryOf("ada") },
    { key: "d", record: "unreadable", entry: entryOf("bob") },
  ]);
  await expect(find("ada")).rejects.toMatchObject({ code: "ERR_UNREADABLE_RECORDS", count: 2 });
});

test("an index that there is not is refused", async () => {
  await expect(tableOf([]).find("ada", "client")).rejects.toMatchObject({ code: "ERR_CONFIGURATION" });
});
