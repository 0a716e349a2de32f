import assert from "node:assert/strict";
import { assertSame, rule, sample } from "./rule.ts";
import type { RepositoryCase } from "./subject.ts";
import { isUnreadable, requireUnreadable } from "./unreadable.ts";

/** What cannot be read is somebody's record all the same: another version or another instance may read it. */
export const unreadableCases: readonly RepositoryCase[] = [
  rule("a record that cannot be read stays where it is when it is taken", ["plant"], async ({ repository, plant }) => {
    await plant("key", "not a record");
    for (const read of ["take", "get", "take", "get"] as const) {
      await assert.rejects(() => repository[read]("key"), isUnreadable, `${read} finds the record and cannot read it`);
    }
    assert.equal(await repository.delete("key"), true, "the record is still there");
  }),
  rule(
    "a record sealed under a key that is missing stays, and the error names the key",
    ["plantUnopenable"],
    async (subject) => {
      const { repository } = subject;
      const keyId = await subject.plantUnopenable("key");
      for (const read of ["get", "take", "get", "take"] as const) {
        await assert.rejects(
          () => repository[read]("key"),
          (error) => {
            assert.ok(isUnreadable(error) && error instanceof Error, `${read} finds the record and cannot open it`);
            assert.ok(error.message.includes(keyId), `the message of ${read} names the key that is missing, by its id`);
            return true;
          },
          `${read} rejects`,
        );
      }
      const added = await repository.add("key", sample("added")).catch(requireUnreadable);
      assert.notEqual(added, true, "add does not write over it");
      await repository.set("other", sample("other"));
      assertSame(await repository.take("other"), sample("other"), "a record that opens");
      assert.equal(await repository.delete("key"), true, "it is still there, and can be deleted");
      assert.equal(await repository.get("key"), undefined);
    },
  ),
];
