import fc from "fast-check";
import { describe, it } from "vitest";
import { StorageFailure } from "../../src/errors.ts";
import { drawsOf, stackNames, type Trouble, useStacks } from "../support/every-stack.ts";
import { classes, PlainModel } from "../support/plain-model.ts";

const stacks = useStacks();

const key = fc.constantFrom("a", "b", "sha256-c+/=");
const step = fc.record({
  do: fc.oneof(
    { weight: 4, arbitrary: fc.constant("get" as const) },
    { weight: 4, arbitrary: fc.constant("set" as const) },
    { weight: 3, arbitrary: fc.constant("add" as const) },
    { weight: 2, arbitrary: fc.constant("delete" as const) },
    { weight: 3, arbitrary: fc.constant("take" as const) },
    { weight: 2, arbitrary: fc.constant("find" as const) },
    { weight: 2, arbitrary: fc.constant("wait" as const) },
    { weight: 1, arbitrary: fc.constant("sweep" as const) },
  ),
  key,
  /** Seconds: how long a record lives, or how long to wait. */
  seconds: fc.integer({ min: 1, max: 40 }),
  forEver: fc.boolean(),
  trouble: fc.oneof(
    { weight: 8, arbitrary: fc.constant<Trouble>("none") },
    { weight: 1, arbitrary: fc.constant<Trouble>("refused") },
    { weight: 1, arbitrary: fc.constant<Trouble>("done, but the answer is lost") },
  ),
});

describe.each(stackNames)("%s", (name) => {
  it("answers as a plain map would, whatever fails in between", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const { repository, sweep, clock, trouble } = stacks.open(name);
        const nowSeconds = () => clock.seconds();
        const model = new PlainModel(repository, nowSeconds);
        let number = 0;
        for (const next of steps) {
          const end = next.trouble === "none" || next.do === "wait" ? undefined : trouble(next.trouble);
          if (next.do === "sweep") await sweep?.().catch(requireStorageFailure);
          else if (next.do === "find") await model.find(next.forEver ? "odd" : "even");
          else if (next.do === "wait") clock.advanceSeconds(next.seconds);
          else if (next.do === "set" || next.do === "add") {
            number += 1;
            await model[next.do](next.key, {
              number,
              ...(!next.forEver && { expiresAt: Math.floor(nowSeconds()) + next.seconds }),
            });
          } else await model[next.do](next.key);
          end?.();
        }
        for (const each of classes) await model.find(each);
        for (const each of ["a", "b", "sha256-c+/="]) await model.get(each);
      }),
      { numRuns: drawsOf(name), seed: 20_261_123 },
    );
  });
});

function requireStorageFailure(failure: unknown): void {
  if (!(failure instanceof StorageFailure)) throw failure;
}
