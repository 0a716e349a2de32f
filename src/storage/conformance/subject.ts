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
  /**
   * Holds `SampleRecord`s, and any JSON value where `anyValue` says so. Empty, or under keys nobody else uses. Where it finds
   * records by an index it has the `sampleIndexes`.
   */
  readonly repository: Repository<string, SampleRecord>;
  /** The same store seen as holding any JSON value: numbers, strings, booleans, null. */
  readonly anyValue?: Repository<string, unknown>;
  /** A second instance on the same store, as another process would have it. */
  readonly again?: () => Promise<Repository<string, SampleRecord>> | Repository<string, SampleRecord>;
  /** The same store as an instance without indexes has it, such as one of an earlier version. */
  readonly unindexed?: () => Promise<Repository<string, SampleRecord>> | Repository<string, SampleRecord>;
  /** Moves the clock that the repository was given forward. `again` has the same clock. */
  readonly advanceSeconds?: (seconds: number) => void;
  /** The time by the repository's clock, in milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: () => number;
  /** Puts a text where the repository keeps the encoded record of a key. */
  readonly plant?: (key: string, text: string) => Promise<void>;
  /** Makes every call to the store fail until `restore`. */
  readonly breakStore?: () => Promise<void> | void;
  readonly restoreStore?: () => Promise<void> | void;
  /** Holds the answer to the next read of the store, so that something else can happen before it arrives. */
  readonly holdRead?: () => HeldRead;
  /**
   * Puts a record where the repository keeps the record of a key, sealed under a key that its key ring does not have.
   * Answers the id of that key.
   */
  readonly plantUnopenable?: (key: string) => Promise<string>;
  /** Lets the store do the next change that reaches it, and loses the answer. Reads do not count. */
  readonly loseAnswer?: () => Promise<void> | void;
  /** How to start further processes with a repository on one store, which need not be the one of `repository`. */
  readonly processes?: RepositoryProcesses;
  /** Called after each case. */
  readonly dispose?: () => Promise<void> | void;
}

/**
 * A command that starts a process which calls `serveRepository`. It is started several times, and every one of them opens the
 * same store.
 */
export interface RepositoryProcesses {
  /** Such as `process.execPath`. */
  readonly command: string;
  readonly args?: readonly string[];
  /** Beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
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
export type Requirement =
  | "anyValue"
  | "again"
  | "unindexed"
  | "advanceSeconds"
  | "plant"
  | "plantUnopenable"
  | "breakStore"
  | "loseAnswer"
  | "holdRead"
  | "processes";

/** One rule of the contract, and what shows that it is kept. */
export interface RepositoryCase {
  /** The rule, as a sentence. */
  readonly name: string;
  readonly needs: readonly Requirement[];
  /** What of the repository the rule is about, where it need not be there: `entries`, or `entriesBy`. */
  readonly of?: "entries" | "entriesBy";
  /** Rejects with an assertion error where the rule is broken. */
  readonly run: (subject: RepositoryUnderTest) => Promise<void>;
}
