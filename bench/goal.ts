/** Prints a figure beside its goal. Where one is missed, the process ends with exit code 1. */
export function printGoal(what: string, value: number, bound: "at most" | "at least", limit: number): void {
  const met = bound === "at most" ? value <= limit : value >= limit;
  if (!met) process.exitCode = 1;
  const figure = Number.isInteger(value) ? String(value) : value.toFixed(2);
  console.log(`${met ? "met   " : "MISSED"}  ${what}: ${figure} (goal: ${bound} ${limit})`);
}
