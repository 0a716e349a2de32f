import { expect } from "vitest";
import { StorageFailure } from "../../src/errors.ts";
import type { Repository } from "../../src/storage/contract.ts";
import { hasIndexes } from "../../src/storage/indexed.ts";

/** The records of the model: no two are alike, so that an answer tells which write it comes from. */
export interface NumberedRecord {
  readonly number: number;
  /** In epoch seconds. */
  readonly expiresAt?: number;
}

type Held = NumberedRecord | undefined;

/** The classes that the index of a stack has. */
export const classes = ["even", "odd"] as const;

/** What the index of a stack has a record under; nothing for each third one. */
export function classOf({ number }: Pick<NumberedRecord, "number">): (typeof classes)[number] | undefined {
  if (number % 3 === 0) return undefined;
  return number % 2 === 0 ? "even" : "odd";
}

/** What a search by the index finds: the record of each key. */
export async function findByClass(
  repository: Repository<string, NumberedRecord>,
  value: string,
): Promise<ReadonlyMap<string, NumberedRecord>> {
  if (!hasIndexes(repository)) throw new Error("The stack has no index.");
  const found = new Map<string, NumberedRecord>();
  for await (const [key, record] of repository.entriesBy("class", value)) {
    expect(found.has(key), "a search finds a record once").toBe(false);
    expect(classOf(record), "what a search finds is meant").toBe(value);
    found.set(key, record);
  }
  return found;
}

/**
 * What a store may hold, as a plain map would: one thing for each key, and several where a failure left it open what
 * was done. Whatever the store then answers decides among them, and anything else is wrong.
 */
export class PlainModel {
  readonly #possible = new Map<string, Held[]>();
  readonly #taken = new Set<number>();
  readonly #repository: Repository<string, NumberedRecord>;
  readonly #nowSeconds: () => number;

  constructor(repository: Repository<string, NumberedRecord>, nowSeconds: () => number) {
    this.#repository = repository;
    this.#nowSeconds = nowSeconds;
  }

  async get(key: string): Promise<void> {
    await this.#expectFailure(async () => this.#decide(key, await this.#repository.get(key)));
  }

  async set(key: string, record: NumberedRecord): Promise<void> {
    const before = this.#of(key);
    const effect = await this.#expectFailure(() => this.#repository.set(key, record));
    if (effect === "done") this.#possible.set(key, [record]);
    else if (effect === "unknown") this.#possible.set(key, [...before, record]);
  }

  async add(key: string, record: NumberedRecord): Promise<void> {
    const before = this.#of(key);
    let added: boolean | undefined;
    const effect = await this.#expectFailure(async () => {
      added = await this.#repository.add(key, record);
      const fitting = before.filter((held) => (held === undefined) === added);
      expect(fitting, `add answered ${added}`).not.toEqual([]);
      this.#possible.set(key, added ? [record] : fitting);
    });
    if (effect === "unknown") this.#possible.set(key, [...before, ...before.map((held) => held ?? record)]);
  }

  async delete(key: string): Promise<void> {
    const before = this.#of(key);
    const effect = await this.#expectFailure(async () => {
      const deleted = await this.#repository.delete(key);
      expect(
        before.some((held) => (held !== undefined) === deleted),
        `delete answered ${deleted}`,
      ).toBe(true);
    });
    this.#removed(key, before, effect);
  }

  async take(key: string): Promise<void> {
    const before = this.#of(key);
    const effect = await this.#expectFailure(async () => {
      const taken = await this.#repository.take(key);
      this.#decide(key, taken);
      if (taken === undefined) return;
      expect(this.#taken.has(taken.number), "a value was handed out twice").toBe(false);
      this.#taken.add(taken.number);
    });
    this.#removed(key, before, effect);
  }

  /** Searches by the index. Whatever may be there and is not found is not there, and the other way round. */
  async find(value: (typeof classes)[number]): Promise<void> {
    await this.#expectFailure(async () => {
      const found = await findByClass(this.#repository, value);
      for (const [key, record] of found) this.#decide(key, record);
      for (const key of [...this.#possible.keys()].filter((each) => !found.has(each))) {
        const others = this.#of(key).filter((held) => held === undefined || classOf(held) !== value);
        expect(others, `${key} is not among the ${value} ones`).not.toEqual([]);
        this.#possible.set(key, others);
      }
    });
  }

  #removed(key: string, before: Held[], effect: "done" | "none" | "unknown"): void {
    if (effect === "done") this.#possible.set(key, [undefined]);
    else if (effect === "unknown") this.#possible.set(key, [...before, undefined]);
  }

  #decide(key: string, answer: Held): void {
    const possible = this.#of(key);
    const numbers = possible.map((held) => held?.number);
    expect(numbers, `the answer for ${key}`).toContain(answer?.number);
    this.#possible.set(key, [possible.find((held) => held?.number === answer?.number)]);
    if (answer !== undefined) expect(answer).toEqual(possible.find((held) => held?.number === answer.number));
  }

  #of(key: string): Held[] {
    const now = this.#nowSeconds();
    const held = this.#possible.get(key) ?? [undefined];
    return held.map((record) => (record?.expiresAt !== undefined && record.expiresAt <= now ? undefined : record));
  }

  /** A failure may only be one of storage, and says whether a write may have been done. */
  async #expectFailure(operation: () => Promise<void>): Promise<"done" | "none" | "unknown"> {
    try {
      await operation();
      return "done";
    } catch (failure) {
      if (!(failure instanceof StorageFailure)) throw failure;
      return failure.effect;
    }
  }
}
