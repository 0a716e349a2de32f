/** What the passes of the tests leave behind, for the next one and for the report. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A line of that. Tests go by their file and names. */
export type Line =
  | { readonly kind: "covered"; readonly test: string; readonly failed: boolean; readonly mutants: readonly string[] }
  | { readonly kind: "static"; readonly mutants: readonly string[] }
  | { readonly kind: "killed"; readonly test: string; readonly mutant: string }
  | { readonly kind: "broken"; readonly test: string; readonly reason: string };

/** All lines by now, of the instrumented copy. */
export function readLines(tree: string): readonly Line[] {
  const file = join(tree, "lines.jsonl");
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line): Line => JSON.parse(line));
}
