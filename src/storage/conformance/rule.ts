import assert from "node:assert/strict";
import type { RepositoryCase, RepositoryUnderTest, Requirement, SampleRecord } from "./subject.ts";

/** A subject that has the parts that a case needs. */
export type Having<N extends Requirement> = RepositoryUnderTest & Required<Pick<RepositoryUnderTest, N>>;

/** Makes a case. Its `run` rejects where a part that it needs is not there. */
export function rule<N extends Requirement = never>(
  name: string,
  needs: readonly N[],
  run: (subject: Having<N>) => Promise<void>,
): RepositoryCase {
  return {
    name,
    needs,
    run: async (subject) => {
      assert.ok(has(subject, needs), "the case was run without a part that it needs");
      await run(subject);
    },
  };
}

/** Says of cases which part of a repository they are about. A repository that lacks it is not asked, and that is said. */
export function casesOf(part: "entries" | "entriesBy", cases: readonly RepositoryCase[]): readonly RepositoryCase[] {
  return cases.map((each) => ({ ...each, of: part }));
}

function has<N extends Requirement>(subject: RepositoryUnderTest, needs: readonly N[]): subject is Having<N> {
  return needs.every((need) => subject[need] !== undefined);
}

/** A record that is told from others by its name. */
export const sample = (name: string): SampleRecord => ({ name, list: ["a", "b"] });

/** A record that expires so many seconds from now. */
export const expiring = ({ now = Date.now }: RepositoryUnderTest, seconds: number): SampleRecord => ({
  ...sample("expiring"),
  expiresAt: now() / 1000 + seconds,
});

/** Compares as data: a repository may give back frozen or null-prototype objects. */
export function assertSame(actual: unknown, expected: unknown, message = "the record"): void {
  assert.equal(JSON.stringify(actual), JSON.stringify(expected), message);
}

/** How many callers come at once. */
const callers = 100;

/** The answers of many callers who come at once. */
export function together<T>(call: (index: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: callers }, (_, index) => call(index)));
}
