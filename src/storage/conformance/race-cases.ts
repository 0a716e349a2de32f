import assert from "node:assert/strict";
import { type Having, rule, sample } from "./rule.ts";
import type { RepositoryCase } from "./subject.ts";

const needs = ["again", "holdRead"] as const;
type Subject = Having<(typeof needs)[number]>;

/** A read is under way and has seen the record; then something happens to the record; then the read's answer arrives. */
async function duringARead(subject: Subject, act: () => Promise<void>): Promise<void> {
  // Written by another instance, so that nothing in front of the store knows the record yet.
  await (await subject.again()).set("key", sample("before"));
  const held = subject.holdRead();
  const reading = subject.repository.get("key");
  await held.arrived();
  await act();
  await held.release();
  const answer = await reading;
  assert.ok(answer === undefined || ["before", "after"].includes(answer.name), "the read gets one of both");
}

/** Races that a gate decides, not chance. */
export const raceCases: readonly RepositoryCase[] = [
  rule("a read under way while its record is deleted does not bring the record back", needs, async (subject) => {
    await duringARead(subject, async () => {
      assert.equal(await subject.repository.delete("key"), true);
    });
    assert.equal(await subject.repository.get("key"), undefined);
  }),
  rule("a read under way while its record is taken does not bring the record back", needs, async (subject) => {
    await duringARead(subject, async () => {
      assert.equal((await subject.repository.take("key"))?.name, "before");
    });
    assert.equal(await subject.repository.get("key"), undefined);
    assert.equal(await subject.repository.take("key"), undefined);
  }),
  rule("a read under way while its record is replaced does not bring the old one back", needs, async (subject) => {
    await duringARead(subject, () => subject.repository.set("key", sample("after")));
    assert.equal((await subject.repository.get("key"))?.name, "after");
  }),
  rule(
    "a read under way while its record makes way for an added one does not bring the old one back",
    needs,
    async (subject) => {
      await duringARead(subject, async () => {
        assert.equal(await (await subject.again()).delete("key"), true);
        assert.equal(await subject.repository.add("key", sample("after")), true);
      });
      assert.equal((await subject.repository.get("key"))?.name, "after");
    },
  ),
];
