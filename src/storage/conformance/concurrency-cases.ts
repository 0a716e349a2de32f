import assert from "node:assert/strict";
import { rule, sample, together } from "./rule.ts";
import type { RepositoryCase } from "./subject.ts";

/** What has to hold when many callers come at once. */
export const concurrencyCases: readonly RepositoryCase[] = [
  rule("of a hundred concurrent takes one gets the record", [], async ({ repository }) => {
    for (const round of [1, 2, 3]) {
      await repository.set(`key ${round}`, sample("one"));
      const taken = await together(() => repository.take(`key ${round}`));
      assert.equal(taken.filter((value) => value !== undefined).length, 1);
    }
  }),
  rule("of a hundred concurrent deletes one is true", [], async ({ repository }) => {
    await repository.set("key", sample("one"));
    const deleted = await together(() => repository.delete("key"));
    assert.equal(deleted.filter((value) => value).length, 1);
  }),
  rule("of concurrent takes and deletes of one key one succeeds", [], async ({ repository }) => {
    await repository.set("key", sample("one"));
    const outcomes = await together(async (index) =>
      index % 2 === 0 ? (await repository.take("key")) !== undefined : repository.delete("key"),
    );
    assert.equal(outcomes.filter((success) => success).length, 1);
  }),
  rule("of concurrent takes on two instances one gets the record", ["again"], async ({ repository, again }) => {
    const other = await again();
    for (const round of [1, 2, 3]) {
      await repository.set(`key ${round}`, sample("one"));
      const taken = await together((index) => (index % 2 === 0 ? repository : other).take(`key ${round}`));
      assert.equal(taken.filter((value) => value !== undefined).length, 1);
    }
  }),
  rule(
    "concurrent gets of many keys each get their own record, and undefined for the keys that are not there",
    [],
    async ({ repository }) => {
      await together((index) =>
        index % 3 === 0 ? Promise.resolve() : repository.set(`key ${index}`, sample(`${index}`)),
      );
      const found = await together((index) => repository.get(`key ${index}`));
      found.forEach((value, index) => {
        assert.equal(value?.name, index % 3 === 0 ? undefined : `${index}`);
      });
    },
  ),
  rule("concurrent sets of one key leave one of the values, whole", [], async ({ repository }) => {
    await together((index) => repository.set("key", { name: `${index}`, list: [`${index}`] }));
    const value = await repository.get("key");
    assert.ok(value !== undefined);
    assert.equal(value.list[0], value.name);
  }),
  rule("a get that follows a set, a delete or a take in time sees what it did", [], async ({ repository }) => {
    for (const round of Array.from({ length: 20 }, (_, index) => `${index}`)) {
      await Promise.all([repository.get("key"), repository.set("key", sample(round)), repository.get("key")]);
      assert.equal((await repository.get("key"))?.name, round);
      await Promise.all([repository.get("key"), repository.take("key"), repository.get("key")]);
      assert.equal(await repository.get("key"), undefined);
    }
  }),
];
