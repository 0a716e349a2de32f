import assert from "node:assert/strict";
import type { RepositoryCase, RepositoryUnderTest, SampleRecord } from "./subject.ts";

const sample = (name: string): SampleRecord => ({ name, list: [] });

/** A read is under way and has seen the record; then something happens to the record; then the read's answer arrives. */
async function duringARead(subject: RepositoryUnderTest, act: () => Promise<void>): Promise<void> {
  assert.ok(subject.again !== undefined && subject.holdRead !== undefined, "the case was run without what it needs");
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

const needs = ["again", "holdRead"] as const;

/** Races that a gate decides, not chance. */
export const raceCases: readonly RepositoryCase[] = [
  {
    name: "a read under way while its record is deleted does not bring the record back",
    needs,
    run: async (subject) => {
      await duringARead(subject, async () => {
        assert.equal(await subject.repository.delete("key"), true);
      });
      assert.equal(await subject.repository.get("key"), undefined);
    },
  },
  {
    name: "a read under way while its record is taken does not bring the record back",
    needs,
    run: async (subject) => {
      await duringARead(subject, async () => {
        assert.equal((await subject.repository.take("key"))?.name, "before");
      });
      assert.equal(await subject.repository.get("key"), undefined);
      assert.equal(await subject.repository.take("key"), undefined);
    },
  },
  {
    name: "a read under way while its record is replaced does not bring the old one back",
    needs,
    run: async (subject) => {
      await duringARead(subject, () => subject.repository.set("key", sample("after")));
      assert.equal((await subject.repository.get("key"))?.name, "after");
    },
  },
];
