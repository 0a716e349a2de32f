import assert from "node:assert/strict";
import { assertSame, type Having, rule, sample } from "./rule.ts";
import type { RepositoryCase, RepositoryUnderTest, SampleRecord } from "./subject.ts";

/** Does something whose answer gets lost: gives what it resolved with, or undefined where it failed as it has to. */
async function withLostAnswer<R>(
  subject: Having<"loseAnswer">,
  method: string,
  call: () => Promise<R>,
): Promise<{ readonly answer: R } | undefined> {
  await subject.loseAnswer();
  try {
    return { answer: await call() };
  } catch (error) {
    const isFailure = error instanceof Error && "code" in error && String(error.code).startsWith("ERR_STORAGE");
    assert.ok(isFailure && "effect" in error, `${method} rejects with a StorageFailure, such as a StorageTimeoutError`);
    assert.equal(error.effect, "unknown", `the effect of a ${method} whose answer was lost`);
    return undefined;
  }
}

/** The record or none: what is there after a call that failed with an unknown effect. */
async function assertOneOf(
  { repository }: RepositoryUnderTest,
  key: string,
  expected: readonly (SampleRecord | undefined)[],
): Promise<void> {
  const found = JSON.stringify(await repository.get(key));
  assert.ok(
    expected.some((record) => JSON.stringify(record) === found),
    "the record is as it was before the call, or as it is after it",
  );
}

/** The store did it, and nobody heard of it: the caller gets the exact answer, or hears that nobody knows. */
export const lostAnswerCases: readonly RepositoryCase[] = [
  rule(
    "a take whose answer is lost gives the record or an unknown effect, never undefined",
    ["loseAnswer"],
    async (subject) => {
      for (const key of ["one", "two", "three"]) {
        await subject.repository.set(key, sample(key));
        const taken = await withLostAnswer(subject, "take", () => subject.repository.take(key));
        if (taken === undefined) await assertOneOf(subject, key, [sample(key), undefined]);
        else {
          assertSame(taken.answer, sample(key), "what take gave");
          assert.equal(await subject.repository.get(key), undefined);
        }
      }
    },
  ),
  rule("a delete whose answer is lost is true or an unknown effect, never false", ["loseAnswer"], async (subject) => {
    for (const key of ["one", "two", "three"]) {
      await subject.repository.set(key, sample(key));
      const deleted = await withLostAnswer(subject, "delete", () => subject.repository.delete(key));
      if (deleted === undefined) await assertOneOf(subject, key, [sample(key), undefined]);
      else {
        assert.equal(deleted.answer, true, "what delete answered");
        assert.equal(await subject.repository.get(key), undefined);
      }
    }
  }),
  rule("an add whose answer is lost is true or an unknown effect, never false", ["loseAnswer"], async (subject) => {
    for (const key of ["one", "two", "three"]) {
      const added = await withLostAnswer(subject, "add", () => subject.repository.add(key, sample(key)));
      if (added === undefined) await assertOneOf(subject, key, [sample(key), undefined]);
      else {
        assert.equal(added.answer, true, "what add answered");
        assertSame(await subject.repository.get(key), sample(key), "the added record");
      }
    }
  }),
  rule(
    "a set whose answer is lost is done or an unknown effect, and leaves a whole record",
    ["loseAnswer"],
    async (subject) => {
      for (const key of ["one", "two", "three"]) {
        await subject.repository.set(key, sample("before"));
        const done = await withLostAnswer(subject, "set", () => subject.repository.set(key, sample("after")));
        await assertOneOf(subject, key, done === undefined ? [sample("before"), sample("after")] : [sample("after")]);
      }
    },
  ),
];
