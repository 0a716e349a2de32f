import { type Estimate, medianOf, type Result } from "../results.ts";
import type { Benchmark } from "./benchmarks.ts";
import { markdownTable } from "./markdown-table.ts";
import type { Recorded, RecordedOnNode } from "./recorded.ts";

type Goal = Extract<Result, { kind: "goal" }>;

/** A goal as the runs on one Node.js have it. */
interface MeasuredGoal extends Pick<Goal, "what" | "bound" | "limit"> {
  readonly figure: number;
  /** Where the figure lies: from the lowest to the highest run, or by the rounds of the only one. */
  readonly spread: Estimate | undefined;
  readonly runs: number;
}

/** Every goal, with what was measured of it on each Node.js. */
export function goalTable(benchmarks: readonly Benchmark[], recorded: readonly RecordedOnNode[]): string {
  const byNode = recorded.map(({ node, benchmarks: kept }) => {
    const goals = benchmarks.flatMap(({ name }) => goalsOf(kept.get(name)));
    return { node, goals: new Map(goals.map((goal) => [goal.what, goal])) };
  });
  const whats = new Set(byNode.flatMap(({ goals }) => [...goals.keys()]));
  const rows = [...whats].map((what) => {
    const cells = byNode.flatMap(({ goals }) => cellsOf(goals.get(what)));
    const { bound, limit } = byNode.map(({ goals }) => goals.get(what)).find((goal) => goal !== undefined) ?? {};
    return [what, `${bound} ${limit}`, ...cells];
  });
  return markdownTable(
    ["What", "Goal", ...byNode.flatMap(({ node }) => [`Node ${node}`, "from … to", "runs", ""])],
    rows,
  );
}

function cellsOf(goal: MeasuredGoal | undefined): string[] {
  if (goal === undefined) return ["–", "", "", ""];
  const { figure, limit, spread, runs } = goal;
  // A digit more than the limit has, so that a figure beside it can be told from it.
  const digits = Math.max(2, 1 + (String(limit).split(".")[1]?.length ?? 0));
  const shown = Number.isInteger(figure) ? String(figure) : figure.toFixed(digits);
  const interval = spread === undefined ? "" : `${spread.low.toFixed(digits)} … ${spread.high.toFixed(digits)}`;
  return [shown, interval, String(runs), verdict(goal)];
}

function verdict({ figure, bound, limit, spread }: MeasuredGoal): string {
  const isWithin = spread !== undefined && spread.low <= limit && spread.high >= limit;
  if (isWithin && spread.low < spread.high) return "*noise*";
  return (bound === "at most" ? figure <= limit : figure >= limit) ? "met" : "**missed**";
}

function goalsOf(recorded: Recorded | undefined): MeasuredGoal[] {
  const runs = recorded?.runs ?? [];
  const latest = runs.at(-1)?.results ?? [];
  return latest.flatMap((result) => {
    if (result.kind !== "goal") return [];
    const { what, bound, limit } = result;
    const figures = runs.flatMap(({ results }) => results.flatMap((other) => (isOf(other, what) ? [other.value] : [])));
    const { value } = medianOf(figures);
    const between = { value, low: Math.min(...figures), high: Math.max(...figures) };
    const spread = figures.length > 1 ? between : (result.interval ?? intervalOf(result, latest));
    return [{ what, bound, limit, figure: value, spread, runs: figures.length }];
  });
}

function isOf(result: Result, what: string): result is Goal {
  return result.kind === "goal" && result.what === what;
}

/** The interval of a goal's figure, where the figure is a ratio of a comparison, or the inverse of one. */
function intervalOf({ value }: Goal, results: readonly Result[]): Estimate | undefined {
  for (const result of results) {
    if (result.kind !== "comparison") continue;
    for (const { ratio } of result.rows) {
      if (ratio.value === value) return ratio;
      if (1 / ratio.value === value) return { value, low: 1 / ratio.high, high: 1 / ratio.low };
    }
  }
  return undefined;
}
