import { expect, test } from "vitest";
import { pauses } from "../../../src/storage/vault/pauses.ts";

async function pausesOf(timeout: number): Promise<{ turns: number; waits: number[] }> {
  const waits: number[] = [];
  let turns = 0;
  const delay = async (milliseconds: number) => void waits.push(milliseconds);
  for await (const _ of pauses({ timeout, delay })) turns += 1;
  return { turns, waits };
}

test.each([
  [1, [50]],
  [50, [50]],
  [51, [50, 100]],
  [4_000, [50, 100, 200, 400, 800, 1_000, 1_000, 1_000]],
])("the pauses of %i ms grow up to a second each, and end when the time is over", async (timeout, waits) => {
  expect(await pausesOf(timeout)).toEqual({ turns: waits.length, waits });
});
