import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { FigureName, Result } from "../results.ts";

/** The results of one run of one benchmark, as they are kept. */
export interface Recorded {
  readonly name: string;
  /** When, as ISO 8601. */
  readonly date: string;
  readonly machine: string;
  readonly commit: string;
  readonly seconds: number;
  /** How it ended: well, with a goal missed, or without an end. */
  readonly ended: "well" | "with a goal missed" | "not";
  readonly results: readonly Result[];
}

/** Reads the results that are kept in a folder. */
export function readRecorded(folder: string): ReadonlyMap<string, Recorded> {
  const files = readdirSync(folder).filter((file) => file.endsWith(".json"));
  return new Map(
    files.map((file) => {
      const recorded: Recorded = JSON.parse(readFileSync(join(folder, file), "utf8"));
      return [recorded.name, recorded];
    }),
  );
}

/** A figure of any benchmark; undefined where none has it. */
export function figureOf(recorded: Iterable<Recorded>, name: FigureName): number | undefined {
  for (const { results } of recorded) {
    for (const result of results) if (result.kind === "figure" && result.name === name) return result.value;
  }
  return undefined;
}
