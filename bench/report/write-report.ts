import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Estimate, Result } from "../results.ts";
import type { Benchmark } from "./benchmarks.ts";
import { capacityTable } from "./capacity.ts";
import { goalTable } from "./goal-table.ts";
import { markdownTable } from "./markdown-table.ts";
import { comparisonPlot, linesPlot } from "./plots.ts";
import { type Recorded, readRecorded } from "./recorded.ts";
import { comparedVersions } from "./versions.ts";

/** An interval that is wider than this part of its figure says little more than that there is one. */
const noisyPart = 0.1;

/**
 * Writes the report and its plots.
 *
 * @param results - The folder of the results; the plots are written there.
 * @param report - The file.
 * @param benchmarks - In the order of the report.
 */
export function writeReport(results: string, report: string, benchmarks: readonly Benchmark[]): void {
  mkdirSync(results, { recursive: true });
  const recorded = readRecorded(results);
  const [newest = { node: "", benchmarks: new Map<string, Recorded>() }] = recorded;
  for (const file of readdirSync(results)) if (file.endsWith(".svg")) rmSync(join(results, file));
  const sections = benchmarks.flatMap((benchmark) => {
    const of = newest.benchmarks.get(benchmark.name);
    return of === undefined ? [] : [section(benchmark, of, results)];
  });
  const missing = recorded.flatMap(({ node, benchmarks: kept }) => {
    const names = benchmarks.filter(({ name }) => !kept.has(name)).map(({ name }) => `\`${name}\``);
    return names.length === 0 ? [] : [`Not measured on Node ${node}: ${names.join(", ")}.`];
  });
  const capacity = capacityTable([...newest.benchmarks.values()]);
  const text = `# Benchmarks: the report

Made by \`npm run bench\`, from the results in \`results/\`. What each benchmark is about, and what has no place in a
report that anybody can repeat in a quarter of an hour, is in [README.md](README.md).

**How to read it.** Contenders take turns in one run, in a new order each round; a figure is the median of the rounds, and the
interval beside it is where the true median lies with a probability of 95 %. Where a benchmark ran several times
(\`npm run bench -- --runs 3\`), the goals' table has the median of the runs, and their lowest and highest beside it. A figure whose
interval is wider than a tenth of it is marked *noise*, and so is a goal that lies within the interval or between two runs: it is
neither met nor missed. Ratios travel between machines, times do not. In plots the bar is the ratio and the black line its interval.

## Goals

${goalTable(benchmarks, recorded)}

The sections below are of the latest run on Node ${newest.node}.

Compared by the lock files of this commit: ${comparedVersions(join(import.meta.dirname, ".."))}.

${sections.join("\n\n")}
${capacity === undefined ? "" : `\n## How far it goes\n\n${capacity}\n`}
${missing.join("\n\n")}
`;
  writeFileSync(report, `${text.replaceAll(/\n{3,}/g, "\n\n").trimEnd()}\n`);
}

function section({ name, title, about }: Benchmark, { runs }: Recorded, folder: string): string {
  const { machine, date, commit, seconds, ended, results } = runs.at(-1) ?? runs[0];
  const parts = results.flatMap((result, index) => {
    const file = `${name}-${index + 1}.svg`;
    const drawn = (svg: string, alternative: string): string => {
      writeFileSync(join(folder, file), svg);
      return `![${alternative}](results/${file})`;
    };
    if (result.kind === "comparison") {
      return [`### ${result.title}`, drawn(comparisonPlot(result), result.title), comparisonTable(result)];
    }
    if (result.kind === "plot") return [`### ${result.title}`, drawn(linesPlot(result), result.title)];
    if (result.kind === "table") return [`### ${result.title}`, markdownTable(result.columns, result.rows)];
    return [];
  });
  const end = ended === "not" ? " **It did not come to its end, and what it had until then is below.**" : "";
  const before = runs.length > 1 ? ` The latest of ${runs.length} runs.` : "";
  return [
    `## ${title}`,
    about,
    ...busyNote(machine),
    `\`npm run bench -- ${name}\`, ${date.slice(0, 10)} at ${commit}, ${Math.round(seconds)} s. ${machine}.${before}${end}`,
    ...parts,
  ].join("\n\n");
}

/** Where other programs had more to do than the machine has cores, what was measured is their doing as well. */
function busyNote(machine: string): string[] {
  const [, cores, load] = /^(\d+) cores.* load ([\d.]+) before/.exec(machine) ?? [];
  if (cores === undefined || load === undefined || Number(load) <= Number(cores)) return [];
  return [
    `**Noise:** ${Number(load).toFixed(0)} tasks shared ${cores} cores meanwhile. Times and rates say what was left to the benchmark, and more for their doing than for ours; ratios within a round bear more, counts and bytes hold.`,
  ];
}

function comparisonTable({ rows, baseline }: Extract<Result, { kind: "comparison" }>): string {
  const isNoise = ({ low, high, value }: Estimate): boolean => (high - low) / value > noisyPart;
  return markdownTable(
    ["", "µs", `times ${baseline}`, "95 % interval", ""],
    rows.map(({ name, time, ratio }) => [
      name,
      time.value < 10 ? time.value.toFixed(3) : time.value.toFixed(1),
      ratio.value.toFixed(2),
      `${ratio.low.toFixed(2)} to ${ratio.high.toFixed(2)}`,
      isNoise(ratio) ? "*noise*" : "",
    ]),
  );
}
