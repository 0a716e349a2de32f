import { type Estimate, isShort, recordResult } from "./results.ts";

/**
 * Prints a figure beside its goal, and hands both to the report. Where a goal is missed, the process ends with exit code 1,
 * unless the benchmark only shows that it works.
 *
 * @param interval - In which the figure lies, where that is known: a goal within it is neither met nor missed.
 */
export function printGoal(
  what: string,
  value: number,
  bound: "at most" | "at least",
  limit: number,
  interval?: Estimate,
): void {
  const met = bound === "at most" ? value <= limit : value >= limit;
  if (!met && !isShort) process.exitCode = 1;
  const figure = Number.isInteger(value) ? String(value) : value.toFixed(2);
  console.log(`${met ? "met   " : "MISSED"}  ${what}: ${figure} (goal: ${bound} ${limit})`);
  recordResult({ kind: "goal", what, value, bound, limit, ...(interval !== undefined && { interval }) });
}
