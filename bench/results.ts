import { appendFileSync } from "node:fs";

/** A figure with the interval in which it lies with a probability of 95 %. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What a benchmark has measured, as the report keeps it. */
export type Result =
  | {
      readonly kind: "comparison";
      readonly title: string;
      readonly baseline: string;
      /** The times of one work, in microseconds, and how many times the baseline's they are. */
      readonly rows: readonly { readonly name: string; readonly time: Estimate; readonly ratio: Estimate }[];
    }
  | {
      readonly kind: "goal";
      readonly what: string;
      readonly value: number;
      readonly bound: "at most" | "at least";
      readonly limit: number;
      /** Where the figure is one of an interval. */
      readonly interval?: Estimate;
    }
  | {
      readonly kind: "table";
      readonly title: string;
      readonly columns: readonly string[];
      readonly rows: readonly (readonly (string | number)[])[];
    }
  | {
      /** Lines of a plot. */
      readonly kind: "plot";
      readonly title: string;
      readonly x: string;
      readonly y: string;
      readonly scales?: { readonly x?: "log"; readonly y?: "log" };
      readonly points: readonly { readonly line: string; readonly x: number; readonly y: number }[];
    }
  /** A figure that the capacity table is made of. */
  | { readonly kind: "figure"; readonly name: FigureName; readonly value: number };

/** What the capacity table is made of. */
export type FigureName =
  | "CPU of a refresh (ms)"
  | "CPU of a login (ms)"
  | "CPU of a guarded call (ms)"
  | "Redis memory of a login (bytes)"
  | "Vault calls of a login";

/** Hands a result to the report, where one is being made: it names the file in `BENCH_RESULTS`. Else does nothing. */
export function recordResult(result: Result): void {
  const file = process.env.BENCH_RESULTS;
  if (file !== undefined && file !== "") appendFileSync(file, `${JSON.stringify(result)}\n`);
}

/** Whether a report is being made. */
export const isInReport: boolean = (process.env.BENCH_RESULTS ?? "") !== "";

/** Whether a benchmark is to show only that it works, in as little time as it can. Its figures mean nothing then. */
export const isShort: boolean = process.env.BENCH_SHORT === "1";

/**
 * The median of measurements, with the interval in which the true one lies with a probability of 95 %. It follows from the
 * order of the measurements alone (the binomial distribution of how many lie below the median), whatever their distribution.
 */
export function medianOf(values: readonly number[]): Estimate {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (index: number): number => sorted[Math.min(sorted.length - 1, Math.max(0, index))] ?? Number.NaN;
  const spread = 0.98 * Math.sqrt(sorted.length);
  return {
    value: at(Math.floor(sorted.length / 2)),
    low: at(Math.floor(sorted.length / 2 - spread)),
    high: at(Math.ceil(sorted.length / 2 + spread)),
  };
}
