/**
 * Prints a figure beside its goal. Where the goal is missed the process will end with exit code 1.
 *
 * @param unit - Printed after the figure and after the goal.
 */
export function printGoal(
  what: string,
  value: number,
  bound: "at most" | "at least",
  limit: number,
  unit = "times",
): void {
  const met = bound === "at most" ? value <= limit : value >= limit;
  if (!met) process.exitCode = 1;
  const figure = Number.isInteger(value) ? String(value) : value.toFixed(2);
  console.log(`${met ? "met   " : "MISSED"}  ${what}: ${figure} ${unit} (goal: ${bound} ${limit})`);
}
