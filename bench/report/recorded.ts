import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FigureName, Result } from "../results.ts";

/** One run of one benchmark, as it is kept. */
export interface Run {
  /** When, as ISO 8601. */
  readonly date: string;
  readonly machine: string;
  readonly commit: string;
  readonly seconds: number;
  /** How it ended: well, with a goal missed, or without an end. */
  readonly ended: "well" | "with a goal missed" | "not";
  readonly results: readonly Result[];
}

/** The runs of one benchmark on one Node.js that are kept. */
export interface Recorded {
  readonly name: string;
  /** From the oldest to the latest. */
  readonly runs: readonly [Run, ...Run[]];
}

/** The results of every benchmark on one Node.js. */
export interface RecordedOnNode {
  /** Such as `26`. */
  readonly node: string;
  readonly benchmarks: ReadonlyMap<string, Recorded>;
}

/** Reads the results that are kept in a folder: a folder below it for each Node.js, the newest first. */
export function readRecorded(folder: string): readonly RecordedOnNode[] {
  const versions = readdirSync(folder).flatMap((name) => /^node-(\d+)$/.exec(name)?.[1] ?? []);
  return versions
    .sort((one, other) => Number(other) - Number(one))
    .map((node) => {
      const files = readdirSync(folderOf(folder, node)).filter((file) => file.endsWith(".json"));
      const all = files.map((file): Recorded => JSON.parse(readFileSync(join(folderOf(folder, node), file), "utf8")));
      return { node, benchmarks: new Map(all.map((recorded) => [recorded.name, recorded])) };
    });
}

/** Keeps the runs of a benchmark, in place of those that were kept before. */
export function keepRecorded(folder: string, node: string, recorded: Recorded): void {
  mkdirSync(folderOf(folder, node), { recursive: true });
  const file = join(folderOf(folder, node), `${recorded.name}.json`);
  writeFileSync(file, `${JSON.stringify(recorded, undefined, 1)}\n`);
}

function folderOf(folder: string, node: string): string {
  return join(folder, `node-${node}`);
}

/** A figure of any benchmark, as the latest run has it; undefined where none has it. */
export function figureOf(recorded: Iterable<Recorded>, name: FigureName): number | undefined {
  for (const { runs } of recorded) {
    for (const result of runs.at(-1)?.results ?? []) {
      if (result.kind === "figure" && result.name === name) return result.value;
    }
  }
  return undefined;
}
