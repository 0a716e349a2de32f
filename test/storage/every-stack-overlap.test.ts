import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StorageFailure } from "../../src/errors.ts";
import type { Repository } from "../../src/index.ts";
import { drawsOf, stackNames, type Trouble, useStacks } from "../support/every-stack.ts";
import { type Ended, explain, type HeldNumber, numberOf } from "../support/linearizability.ts";
import { classes, classOf, findByClass, type NumberedRecord } from "../support/plain-model.ts";

const stacks = useStacks();

const keys = ["a", "b"] as const;
const operation = fc.record({
  do: fc.constantFrom("get", "set", "delete", "take", "add"),
  key: fc.constantFrom(...keys),
});
type Operation = typeof operation extends fc.Arbitrary<infer O> ? O : never;

/** Operations that go out together, and what befalls them. */
const group = fc.record({
  operations: fc.array(operation, { minLength: 1, maxLength: 8 }),
  /** How long the calls of the store are held up, in turns of the event loop. */
  turns: fc.array(fc.nat({ max: 4 }), { minLength: 16, maxLength: 16 }),
  trouble: fc.oneof(
    { weight: 6, arbitrary: fc.constant<Trouble>("none") },
    { weight: 1, arbitrary: fc.constantFrom<Trouble>("refused", "done, but the answer is lost") },
  ),
});

async function run(
  repository: Repository<string, NumberedRecord>,
  { do: what, key }: Operation,
  number: number,
): Promise<Ended> {
  try {
    switch (what) {
      case "get":
        return { do: "get", answer: numberOf(await repository.get(key)) };
      case "take":
        return { do: "take", answer: numberOf(await repository.take(key)) };
      case "delete":
        return { do: "delete", answer: await repository.delete(key) };
      case "set":
        await repository.set(key, { number });
        return { do: "set", number };
      case "add":
        return { do: "add", number, answer: await repository.add(key, { number }) };
    }
  } catch (failure) {
    if (!(failure instanceof StorageFailure)) throw failure;
    if (what === "set" || what === "add") return { do: `failed ${what}`, number };
    return what === "get" ? { do: "failed get" } : { do: "failed removal" };
  }
}

/** What a search finds when nothing is under way is one of what each key may hold, and decides among it. */
async function search(
  repository: Repository<string, NumberedRecord>,
  held: Map<string, readonly HeldNumber[]>,
): Promise<void> {
  for (const value of classes) {
    const found = await findByClass(repository, value);
    for (const [key, possible] of held) {
      const record = found.get(key);
      const fitting = possible.filter((number) =>
        record === undefined ? number === undefined || classOf({ number }) !== value : number === record.number,
      );
      expect(fitting, `${key} held ${possible}, and ${record?.number} is ${value}`).not.toEqual([]);
      held.set(key, fitting);
    }
  }
}

/** A Vault record is to be removed while it is not being written: see `PangeaVaultRepository`. */
function withoutRemovalsDuringWrites(operations: readonly Operation[]): readonly Operation[] {
  const isRemoval = (each: Operation): boolean => each.do === "delete" || each.do === "take";
  const written = new Set(operations.filter((each) => each.do === "set" || each.do === "add").map(({ key }) => key));
  return operations.filter((each) => !isRemoval(each) || !written.has(each.key));
}

describe.each(stackNames)("%s", (name) => {
  it("answers operations that overlap as if they had come one after the other", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(group, { minLength: 3, maxLength: 12 }), async (groups) => {
        const { repository, trouble, holdUp } = stacks.open(name);
        const held = new Map<string, readonly HeldNumber[]>(keys.map((key) => [key, [undefined]]));
        let number = 0;
        for (const next of groups) {
          const operations = name.includes("Vault") ? withoutRemovalsDuringWrites(next.operations) : next.operations;
          let call = 0;
          holdUp?.(() => next.turns[call++ % next.turns.length] ?? 0);
          const end = next.trouble === "none" ? undefined : trouble(next.trouble);
          const ended = await Promise.all(
            operations.map(async (each) => {
              number += 1;
              return { key: each.key, outcome: await run(repository, each, number) };
            }),
          );
          end?.();
          for (const key of keys) {
            const ofKey = ended.filter((each) => each.key === key).map((each) => each.outcome);
            const after = explain(held.get(key) ?? [], ofKey);
            expect(after, `${key} held ${held.get(key)}, then ${JSON.stringify(ofKey)}`).not.toEqual([]);
            held.set(key, after);
          }
          await search(repository, held);
        }
      }),
      { numRuns: drawsOf(name), seed: 20_261_123 },
    );
  });
});
