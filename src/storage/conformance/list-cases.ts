import assert from "node:assert/strict";
import { isEnumerable } from "../enumerable.ts";
import { casesOf, expiring, rule, sample } from "./rule.ts";
import type { RepositoryCase, RepositoryUnderTest } from "./subject.ts";

/** The keys of a list with the names of its records, in the order of the keys; undefined without a list. */
async function listed(
  { repository }: RepositoryUnderTest,
  mayEndUnreadable = false,
): Promise<[string, string][] | undefined> {
  if (!isEnumerable(repository)) return undefined;
  const found: [string, string][] = [];
  try {
    for await (const [key, { name }] of repository.entries()) found.push([key, name]);
  } catch (error) {
    // A list may say at its end that it could not read everything.
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!mayEndUnreadable || !/^ERR_(UNREADABLE_RECORDS|CORRUPT_RECORD|UNSEALABLE)$/.test(code)) throw error;
  }
  return found.sort(([one], [other]) => (one < other ? -1 : 1));
}

/** The list of the records, which a repository need not have. */
export const listCases: readonly RepositoryCase[] = casesOf("entries", [
  rule("a list has every record once, under its own key", [], async (subject) => {
    const { repository } = subject;
    assert.deepEqual((await listed(subject)) ?? [], [], "the list of an empty repository");
    const expected: [string, string][] = Array.from({ length: 120 }, (_, index) => [`key ${1000 + index}`, `${index}`]);
    for (const [key, name] of expected) await repository.set(key, sample(name));
    await repository.set("set again", sample("before"));
    await repository.set("set again", sample("after"));
    await repository.add("slash/plus+{tag}*", sample("added"));
    await repository.set("deleted", sample("deleted"));
    await repository.delete("deleted");
    await repository.set("taken", sample("taken"));
    await repository.take("taken");
    const all = [...expected, ["set again", "after"], ["slash/plus+{tag}*", "added"]];
    assert.deepEqual((await listed(subject)) ?? all, all);
  }),
  rule("a list leaves out what has expired", ["advanceSeconds"], async (subject) => {
    const { repository } = subject;
    await repository.set("lasting", sample("lasting"));
    await repository.set("long", { ...expiring(subject, 100), name: "long" });
    await repository.set("short", { ...expiring(subject, 10), name: "short" });
    subject.advanceSeconds(10);
    const alive = [
      ["lasting", "lasting"],
      ["long", "long"],
    ];
    assert.deepEqual((await listed(subject)) ?? alive, alive);
  }),
  rule("a list goes on where a record cannot be read, and may say so at its end", ["plant"], async (subject) => {
    await subject.repository.set("first", sample("first"));
    await subject.plant("key", "not a record");
    await subject.repository.set("last", sample("last"));
    const readable = [
      ["first", "first"],
      ["last", "last"],
    ];
    assert.deepEqual((await listed(subject, true)) ?? readable, readable);
  }),
  rule("a store that fails is an error of the list, never a shorter one", ["breakStore"], async (subject) => {
    await subject.repository.set("key", sample("one"));
    await subject.breakStore();
    try {
      if (isEnumerable(subject.repository)) {
        await assert.rejects(
          () => listed(subject),
          (error) => error instanceof Error && "code" in error && String(error.code).startsWith("ERR_STORAGE"),
          "the list",
        );
      }
    } finally {
      await subject.restoreStore?.();
    }
  }),
]);
