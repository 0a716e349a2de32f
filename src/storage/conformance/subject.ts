import assert from "node:assert/strict";
import type { Repository } from "../contract.ts";

/** The records that the suite writes. They must come back as they were. */
export interface SampleRecord {
  readonly name: string;
  readonly list: readonly string[];
  /** In epoch seconds. */
  readonly expiresAt?: number;
}

/** A repository under test, and what the suite may do around it. The more of it there is, the more is checked. */
export interface RepositoryUnderTest {
  /** Holds `SampleRecord`s, and any JSON value where `anyValue` says so. Empty, or under keys nobody else uses. */
  readonly repository: Repository<string, SampleRecord>;
  /** The same store seen as holding any JSON value: numbers, strings, booleans, null. */
  readonly anyValue?: Repository<string, unknown>;
  /** A second instance on the same store, as another process would have it. */
  readonly again?: () => Promise<Repository<string, SampleRecord>> | Repository<string, SampleRecord>;
  /** Moves the clock that the repository was given forward. */
  readonly advanceSeconds?: (seconds: number) => void;
  /** The time by the repository's clock, in milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
  /** Puts a text where the repository keeps the encoded record of a key. */
  readonly plant?: (key: string, text: string) => Promise<void>;
  /** Makes every call to the store fail until `restore`. */
  readonly breakStore?: () => Promise<void> | void;
  readonly restoreStore?: () => Promise<void> | void;
  /** Holds the answer to the next read of the store, so that something else can happen before it arrives. */
  readonly holdRead?: () => HeldRead;
  /** Called after each case. */
  readonly dispose?: () => Promise<void> | void;
}

/** A read whose answer waits: a gate that a case opens. */
export interface HeldRead {
  /** Resolves when the store has read what it will answer. */
  arrived(): Promise<void>;
  /** Lets the answer go. */
  release(): Promise<void> | void;
}

/** Makes a repository for one case. */
export type CreateRepository = () => Promise<RepositoryUnderTest> | RepositoryUnderTest;

/** The optional parts of `RepositoryUnderTest`. A case that needs one that is not there is skipped, and says so. */
export type Requirement = "anyValue" | "again" | "advanceSeconds" | "plant" | "breakStore" | "holdRead";

/** One rule of the contract, and what shows that it is kept. */
export interface RepositoryCase {
  /** The rule, as a sentence. */
  readonly name: string;
  readonly needs: readonly Requirement[];
  /** Rejects with an assertion error where the rule is broken. */
  readonly run: (subject: RepositoryUnderTest) => Promise<void>;
}

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

function has<N extends Requirement>(subject: RepositoryUnderTest, needs: readonly N[]): subject is Having<N> {
  return needs.every((need) => subject[need] !== undefined);
}

/** A record that is told from others by its name. */
export const sample = (name: string): SampleRecord => ({ name, list: ["a", "b"] });

/** A record that expires so many seconds from now. */
export const expiring = (
  { now = Date.now }: RepositoryUnderTest,
  seconds: number,
  name = "expiring",
): SampleRecord => ({
  ...sample(name),
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
