import assert from "node:assert/strict";
import { assertSame, expiring, rule, sample, together } from "./rule.ts";
import type { RepositoryCase } from "./subject.ts";
import { isUnreadable, requireUnreadable } from "./unreadable.ts";

/** Writing where no live record is. */
export const addCases: readonly RepositoryCase[] = [
  rule("add writes where no record is, is true, and leaves other keys alone", [], async ({ repository }) => {
    await repository.set("other", sample("other"));
    assert.equal(await repository.add("key", sample("one")), true);
    assertSame(await repository.get("key"), sample("one"));
    assertSame(await repository.get("other"), sample("other"), "the other key");
  }),
  rule("add is false where a record is, and leaves it as it is", [], async ({ repository }) => {
    await repository.set("key", sample("one"));
    assert.equal(await repository.add("key", sample("two")), false);
    assertSame(await repository.get("key"), sample("one"), "after a set");
    await repository.add("added", sample("one"));
    assert.equal(await repository.add("added", sample("two")), false);
    assertSame(await repository.get("added"), sample("one"), "after an add");
  }),
  rule("add is true again after the record was deleted or taken", [], async ({ repository }) => {
    await repository.add("key", sample("one"));
    await repository.delete("key");
    assert.equal(await repository.add("key", sample("two")), true, "after a delete");
    assertSame(await repository.take("key"), sample("two"));
    assert.equal(await repository.add("key", sample("three")), true, "after a take");
    assertSame(await repository.get("key"), sample("three"));
  }),
  rule("what was added can be replaced, taken and deleted like what was set", [], async ({ repository }) => {
    await repository.add("key", sample("one"));
    await repository.set("key", sample("two"));
    assertSame(await repository.take("key"), sample("two"));
    assert.equal(await repository.take("key"), undefined);
    await repository.add("key", sample("three"));
    assert.equal(await repository.delete("key"), true);
    assert.equal(await repository.delete("key"), false);
    assert.equal(await repository.get("key"), undefined);
  }),
  rule("an add on one instance counts on another", ["again"], async ({ repository, again }) => {
    const other = await again();
    assert.equal(await repository.add("key", sample("one")), true);
    assert.equal(await other.add("key", sample("two")), false);
    assertSame(await other.take("key"), sample("one"));
    assert.equal(await repository.add("key", sample("three")), true);
    assertSame(await other.get("key"), sample("three"));
  }),
  rule("add is false until the record expires and true from then on", ["advanceSeconds"], async (subject) => {
    const { repository } = subject;
    await repository.set("key", expiring(subject, 60));
    subject.advanceSeconds(59);
    assert.equal(await repository.add("key", sample("one")), false, "a second before it expires");
    subject.advanceSeconds(1);
    assert.equal(await repository.add("key", sample("two")), true, "at the very moment");
    assertSame(await repository.get("key"), sample("two"));
  }),
  rule("an added record expires like one that was set", ["advanceSeconds"], async (subject) => {
    const { repository } = subject;
    await repository.add("key", expiring(subject, 60));
    subject.advanceSeconds(59);
    assert.ok((await repository.get("key")) !== undefined, "a second before it expires");
    subject.advanceSeconds(1);
    assert.equal(await repository.get("key"), undefined, "at the very moment");
    assert.equal(await repository.take("key"), undefined);
  }),
  rule("an add that is refused does not prolong the record", ["advanceSeconds"], async (subject) => {
    const { repository } = subject;
    await repository.set("key", expiring(subject, 10));
    assert.equal(await repository.add("key", expiring(subject, 100)), false);
    subject.advanceSeconds(11);
    assert.equal(await repository.get("key"), undefined);
  }),
  rule("a record that has expired when it is added is absent, and replaces none", [], async (subject) => {
    const { repository } = subject;
    await repository.add("key", expiring(subject, -1));
    assert.equal(await repository.get("key"), undefined);
    assert.equal(await repository.add("key", sample("one")), true);
    assert.equal(await repository.add("key", expiring(subject, -1)), false);
    assertSame(await repository.get("key"), sample("one"));
  }),
  rule("of a hundred concurrent adds one is true, and its record is the one that stays", [], async ({ repository }) => {
    for (const round of [1, 2, 3]) {
      const added = await together((index) => repository.add(`key ${round}`, sample(`${index}`)));
      assert.equal(added.filter((success) => success).length, 1);
      assertSame(await repository.get(`key ${round}`), sample(`${added.indexOf(true)}`));
    }
  }),
  rule("of concurrent adds on two instances one is true", ["again"], async ({ repository, again }) => {
    const other = await again();
    for (const round of [1, 2, 3]) {
      const key = `key ${round}`;
      const added = await together((index) => (index % 2 === 0 ? repository : other).add(key, sample(`${index}`)));
      assert.equal(added.filter((success) => success).length, 1);
      for (const each of [repository, other]) assertSame(await each.get(key), sample(`${added.indexOf(true)}`));
    }
  }),
  rule("of concurrent adds in place of an expired record one is true", ["advanceSeconds"], async (subject) => {
    const { repository } = subject;
    await repository.set("key", expiring(subject, 10));
    subject.advanceSeconds(11);
    const added = await together((index) => repository.add("key", sample(`${index}`)));
    assert.equal(added.filter((success) => success).length, 1);
    assertSame(await repository.get("key"), sample(`${added.indexOf(true)}`));
  }),
  rule("of concurrent adds and takes each take gets a record whose add was true, once", [], async ({ repository }) => {
    const added = new Set<string>();
    const taken: string[] = [];
    await together(async (index) => {
      if (index % 2 === 0) {
        if (await repository.add("key", sample(`${index}`))) added.add(`${index}`);
      } else {
        const value = await repository.take("key");
        if (value !== undefined) taken.push(value.name);
      }
    });
    assert.deepEqual(
      taken.filter((name) => !added.has(name)),
      [],
    );
    assert.equal(new Set(taken).size, taken.length);
    assert.ok(added.size > 0, "the first of them found no record");
  }),
  rule("a set or a delete that comes with an add leaves what one of their orders would", [], async ({ repository }) => {
    for (const round of [1, 2, 3]) {
      const key = `key ${round}`;
      const [added] = await Promise.all([repository.add(key, sample("added")), repository.set(key, sample("set"))]);
      // Before the set the key was free, after it the add is refused: either way the set stays.
      assertSame(await repository.get(key), sample("set"), `where the add was ${added}`);
      const [addedLater, deleted] = await Promise.all([repository.add(key, sample("later")), repository.delete(key)]);
      assert.equal(deleted, true);
      assertSame(await repository.get(key), addedLater ? sample("later") : undefined);
    }
  }),
  rule("a record that cannot be read is not added over", ["plant"], async ({ repository, plant }) => {
    await plant("key", "not a record");
    const added = await repository.add("key", sample("one")).catch(requireUnreadable);
    assert.notEqual(added, true);
    await assert.rejects(() => repository.get("key"), isUnreadable);
  }),
  rule(
    "a read under way while its record is added does not hide it",
    ["holdRead"],
    async ({ repository, holdRead }) => {
      const held = holdRead();
      const reading = repository.get("key");
      await held.arrived();
      assert.equal(await repository.add("key", sample("added")), true);
      await held.release();
      await reading;
      assertSame(await repository.get("key"), sample("added"));
    },
  ),
];
