import { expect } from "vitest";
import { type Repository, StorageFailure } from "../../src/index.ts";

/** A record that says which call has written it. */
export interface Numbered {
  readonly n: number;
}

type Numbers = Repository<string, Numbered>;

/** What a call has come to: its answer, or what it says that it has done before it failed. */
type Outcome = { readonly answer: unknown } | { readonly effect: string };

/** A call, and what may be in the store before and after it. */
interface LostAnswerCase {
  before(repository: Numbers, key: string, n: number): Promise<unknown>;
  call(repository: Numbers, key: string, n: number): Promise<unknown>;
  readonly answer: (n: number) => unknown;
  /** What is in the store where the call has done nothing, and where it has been done. */
  readonly left: (n: number) => { readonly none: Numbered | undefined; readonly done: Numbered | undefined };
}

const isThere = (repository: Numbers, key: string, n: number) => repository.set(key, { n });

/** Every call that changes something. */
export const changingCalls: Readonly<Record<"take" | "delete" | "add" | "set", LostAnswerCase>> = {
  take: {
    before: isThere,
    call: (repository, key) => repository.take(key),
    answer: (n) => ({ n }),
    left: (n) => ({ none: { n }, done: undefined }),
  },
  delete: {
    before: isThere,
    call: (repository, key) => repository.delete(key),
    answer: () => true,
    left: (n) => ({ none: { n }, done: undefined }),
  },
  add: {
    before: async () => undefined,
    call: (repository, key, n) => repository.add(key, { n }),
    answer: () => true,
    left: (n) => ({ none: undefined, done: { n } }),
  },
  set: {
    before: (repository, key, n) => repository.set(key, { n: -n }),
    call: (repository, key, n) => repository.set(key, { n }),
    answer: () => undefined,
    left: (n) => ({ none: { n: -n }, done: { n } }),
  },
};

/** Calls for each number, so many at a time. */
export async function forEachNumber<T>(
  count: number,
  call: (n: number) => Promise<T>,
  parallel: number,
): Promise<readonly T[]> {
  const outcomes: T[] = [];
  const rest = Array.from({ length: count }, (_, n) => n).values();
  const work = async () => {
    for (const n of rest) outcomes[n] = await call(n);
  };
  await Promise.all(Array.from({ length: parallel }, work));
  return outcomes;
}

/** Where calls are made, and how their answers get lost. */
interface LostAnswerScene {
  readonly count: number;
  /** How many calls are under way at a time. */
  readonly parallel: number;
  /** Prefix of the keys. */
  readonly prefix: string;
  /** Loses answers while it is made to. */
  readonly troubled: Numbers;
  /** Sees the store as it is. */
  readonly calm: Numbers;
  begin(): void;
  end(): Promise<void> | void;
}

/**
 * Makes calls whose answers get lost, and looks at each: it has answered what it did, or has said that it has done nothing, or
 * that nobody knows. None reads as absent or as refused, nothing is done twice, and nothing is gone that nobody has.
 *
 * @returns How many have answered, have done nothing, and cannot tell.
 */
export async function callWithLostAnswers(
  call: LostAnswerCase,
  { count, parallel, prefix, troubled, calm, begin, end }: LostAnswerScene,
): Promise<{ readonly answered: number; readonly none: number; readonly unknown: number }> {
  const keyOf = (n: number): string => `${prefix}-${n}`;
  await forEachNumber(count, (n) => call.before(calm, keyOf(n), n), parallel);
  begin();
  const outcomes = await forEachNumber(count, (n) => outcomeOf(call.call(troubled, keyOf(n), n)), parallel);
  await end();
  const left = await forEachNumber(count, (n) => calm.get(keyOf(n)), parallel);
  const numbers = { answered: 0, none: 0, unknown: 0 };
  for (const [n, outcome] of outcomes.entries()) {
    const { none, done } = call.left(n);
    if ("answer" in outcome) {
      numbers.answered += 1;
      expect([n, outcome.answer, left[n]]).toEqual([n, call.answer(n), done]);
    } else if (outcome.effect === "none") {
      numbers.none += 1;
      expect([n, left[n]]).toEqual([n, none]);
    } else {
      numbers.unknown += 1;
      expect([none, done]).toContainEqual(left[n]);
    }
  }
  return numbers;
}

/** What a call has come to. Any error that is no failure of the store fails the test. */
export async function outcomeOf(call: Promise<unknown>): Promise<Outcome> {
  try {
    return { answer: await call };
  } catch (failure) {
    if (failure instanceof StorageFailure) return { effect: failure.effect };
    throw failure;
  }
}
