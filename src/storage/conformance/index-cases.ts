import assert from "node:assert/strict";
import type { Repository } from "../contract.ts";
import { isEnumerable } from "../enumerable.ts";
import { hasIndexes, isIndexedBy } from "../indexed.ts";
import { casesOf, expiring, rule, sample, together } from "./rule.ts";
import type { RepositoryCase, RepositoryUnderTest, SampleRecord } from "./subject.ts";

/** What a search found, and the error that it ended with, if any. */
interface Search {
  readonly keys: readonly string[];
  readonly error: unknown;
}

/** The keys that the index has under a name, in order, each as often as it was given; undefined without the index. */
async function search(
  repository: RepositoryUnderTest["repository"],
  value: string,
  isMeant: (record: SampleRecord) => boolean = ({ name }) => name === value,
): Promise<Search | undefined> {
  if (!isIndexedBy(repository, "name")) return undefined;
  const keys: string[] = [];
  try {
    for await (const [key, record] of repository.entriesBy("name", value)) {
      assert.ok(isMeant(record), "a record that a search finds has the value that was asked for");
      keys.push(key);
    }
  } catch (error) {
    if (error instanceof assert.AssertionError) throw error;
    return { keys: keys.sort(), error };
  }
  return { keys: keys.sort(), error: undefined };
}

async function assertFound(
  repository: RepositoryUnderTest["repository"],
  value: string,
  expected: readonly string[],
  message: string,
): Promise<void> {
  const found = await search(repository, value);
  if (found === undefined) return;
  assert.deepEqual(found, { keys: [...expected].sort(), error: undefined }, message);
}

function hasCode(error: unknown, beginning: string): boolean {
  return error instanceof Error && "code" in error && String(error.code).startsWith(beginning);
}

/** The search by an index, which a repository need not have: `sampleIndexes` has the one that is asked for. */
export const indexCases: readonly RepositoryCase[] = [
  rule("what a repository says it can do, it does", [], async ({ repository }) => {
    await repository.set("key", sample("one"));
    if ("entries" in repository) {
      assert.ok(isEnumerable(repository), "entries is a method");
      const [[key] = []] = await firstOf(repository.entries());
      assert.equal(key, "key", "entries lists the record");
    }
    if (!("entriesBy" in repository)) return;
    assert.ok(hasIndexes(repository), "entriesBy is a method, and indexNames says what for");
    assert.ok(isEnumerable(repository), "what is found by an index can be listed as well");
    for (const index of repository.indexNames) await firstOf(repository.entriesBy(index, "one"));
    await assert.rejects(
      () => firstOf(repository.entriesBy("no such index", "one")),
      (error) => hasCode(error, "ERR_"),
      "a search by an index that is not there is refused: it must not look as if there were nothing",
    );
  }),
  ...casesOf("entriesBy", [
    rule("an index finds the records of a value, each once, under its own key", [], async ({ repository }) => {
      await assertFound(repository, "ada", [], "a search of an empty repository");
      const keys = Array.from({ length: 250 }, (_, index) => `key ${1000 + index}`);
      await Promise.all(keys.map((key, index) => repository.set(key, sample(index % 2 === 0 ? "ada" : "bob"))));
      await repository.add("slash/plus+{tag}*", sample("ada"));
      await repository.set("other", sample("ada's"));
      const adas = [...keys.filter((_, index) => index % 2 === 0), "slash/plus+{tag}*"];
      await assertFound(repository, "ada", adas, "the records of one value");
      await assertFound(repository, "ADA", [], "the records of a value that none has");
      await assertFound(repository, "ada's", ["other"], "the record of a value that begins like another one");
    }),
    rule("an index follows a record that is replaced, deleted or taken", [], async ({ repository }) => {
      for (const key of ["set", "deleted", "taken", "refused", "again"]) await repository.set(key, sample("before"));
      await repository.set("set", sample("after"));
      await repository.delete("deleted");
      await repository.take("taken");
      assert.equal(await repository.add("refused", sample("after")), false);
      await repository.delete("again");
      await repository.add("again", sample("after"));
      await assertFound(repository, "before", ["refused"], "what still has the value of before");
      await assertFound(repository, "after", ["set", "again"], "what has the new value");
      await repository.set("set", sample("before"));
      await assertFound(repository, "before", ["refused", "set"], "what has its earlier value again");
      await assertFound(repository, "after", ["again"], "what is left of the new value");
    }),
    rule("an index leaves out what has expired", ["advanceSeconds"], async (subject) => {
      const { repository } = subject;
      await repository.set("lasting", sample("ada"));
      await repository.set("long", { ...expiring(subject, 100), name: "ada" });
      await repository.set("short", { ...expiring(subject, 10), name: "ada" });
      await repository.set("anew", { ...expiring(subject, 10), name: "ada" });
      subject.advanceSeconds(10);
      await repository.add("anew", { ...expiring(subject, 100), name: "bob" });
      await assertFound(repository, "ada", ["lasting", "long"], "what has not expired");
      await assertFound(repository, "bob", ["anew"], "what was added in the place of an expired record");
    }),
    rule("an index has what another instance has written", ["again"], async (subject) => {
      const other = await subject.again();
      await subject.repository.set("one", sample("ada"));
      await assertFound(other, "ada", ["one"], "what this instance wrote");
      await other.set("two", sample("ada"));
      await assertFound(subject.repository, "ada", ["one", "two"], "what the other instance wrote");
    }),
    rule("an index has every record that many callers add at once", [], async ({ repository }) => {
      await together((index) => repository.add(`key ${index}`, sample("ada")));
      const keys = Array.from({ length: 100 }, (_, index) => `key ${index}`);
      await assertFound(repository, "ada", keys, "what was added");
      await together((index) => repository.set(`key ${index}`, sample(index % 2 === 0 ? "ada" : "bob")));
      await assertFound(
        repository,
        "bob",
        keys.filter((_, index) => index % 2 === 1),
        "what was replaced",
      );
    }),
    rule("after writes on two instances at once an index has what a read gives", ["again"], async (subject) => {
      const instances = [subject.repository, await subject.again()];
      const keys = Array.from({ length: 8 }, (_, index) => `key ${index}`);
      const onEach = (act: (repository: Repository<string, SampleRecord>, key: string, turn: number) => unknown) =>
        Promise.all(keys.flatMap((key, turn) => instances.map((each, other) => act(each, key, 2 * turn + other))));
      const compare = async (round: string): Promise<void> => {
        const held = await Promise.all(
          keys.map(async (key) => [key, (await subject.repository.get(key))?.name] as const),
        );
        for (const repository of instances) {
          for (const name of ["ada", "bob"]) {
            const expected = held.filter(([, each]) => each === name).map(([key]) => key);
            await assertFound(repository, name, expected, `${name}'s records ${round}`);
          }
        }
      };
      const nameOf = (turn: number): string => (turn % 2 === 0 ? "ada" : "bob");
      await onEach((repository, key, turn) => repository.add(key, sample(nameOf(turn))));
      await compare("after adds");
      await onEach((repository, key, turn) => repository.set(key, sample(nameOf(turn))));
      await compare("after sets");
      await onEach((repository, key, turn) => (turn % 4 < 2 ? repository.take(key) : repository.delete(key)));
      await compare("after takes and deletes");
      await onEach((repository, key, turn) => repository.set(key, sample(nameOf(turn + 1))));
      await compare("after other sets");
    }),
    rule("an index finds what was written without it", ["unindexed"], async (subject) => {
      const unindexed = await subject.unindexed();
      await unindexed.set("before", sample("ada"));
      await unindexed.add("another's", sample("bob"));
      await subject.repository.set("after", sample("ada"));
      for (const time of ["first", "second"]) {
        await assertFound(subject.repository, "ada", ["before", "after"], `the ${time} search`);
      }
    }),
    rule(
      "a search goes on where a record cannot be read, and never ends as if nothing were missing",
      ["plant"],
      async (subject) => {
        await subject.repository.set("first", sample("ada"));
        await subject.plant("key", "not a record");
        await subject.repository.set("last", sample("ada"));
        const found = await search(subject.repository, "ada");
        if (found === undefined) return;
        assert.deepEqual(found.keys, ["first", "last"], "what can be read");
        assert.ok(
          hasCode(found.error, "ERR_UNREADABLE_RECORDS"),
          "the record that cannot be read may be among those meant",
        );
      },
    ),
    rule("a search says which key is missing for a record that may be meant", ["plantUnopenable"], async (subject) => {
      const keyId = await subject.plantUnopenable("key");
      await subject.repository.set("other", sample("ada"));
      const found = await search(subject.repository, "ada");
      if (found === undefined) return;
      assert.deepEqual(found.keys, ["other"], "what opens");
      assert.ok(found.error instanceof Error, "the search ends with an error");
      assert.ok(found.error.message.includes(keyId), "the message names the key that is missing, by its id");
    }),
    rule("a store that fails is an error of the search, never a shorter one", ["breakStore"], async (subject) => {
      await subject.repository.set("key", sample("ada"));
      await subject.breakStore();
      try {
        const found = await search(subject.repository, "ada");
        if (found !== undefined) assert.ok(hasCode(found.error, "ERR_STORAGE"), "the search");
      } finally {
        await subject.restoreStore?.();
      }
    }),
  ]),
];

/** The first entry of a listing, in a list; an empty one where there is none. */
async function firstOf<T>(listing: AsyncIterable<T>): Promise<T[]> {
  for await (const entry of listing) return [entry];
  return [];
}
