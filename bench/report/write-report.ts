import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Estimate, Result } from "../results.ts";
import type { Benchmark } from "./benchmarks.ts";
import { capacityTable } from "./capacity.ts";
import { comparisonPlot, linesPlot } from "./plots.ts";
import { type Recorded, readRecorded } from "./recorded.ts";

type Goal = Extract<Result, { kind: "goal" }>;

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
  const recorded = readRecorded(results);
  mkdirSync(results, { recursive: true });
  for (const file of readdirSync(results)) if (file.endsWith(".svg")) rmSync(join(results, file));
  const sections = benchmarks.flatMap((benchmark) => {
    const of = recorded.get(benchmark.name);
    return of === undefined ? [] : [section(benchmark, of, results)];
  });
  const missing = benchmarks.filter(({ name }) => !recorded.has(name)).map(({ name }) => `\`${name}\``);
  const capacity = capacityTable([...recorded.values()]);
  const text = `# Benchmarks: the report

Made by \`npm run bench\`, from the results in \`results/\`. What each benchmark is about, and what has no place in a
report that anybody can repeat in a quarter of an hour, is in [README.md](README.md).

**How to read it.** Contenders take turns in one run, in a new order each round; a figure is the median of the rounds, and the
interval beside it is where the true median lies with a probability of 95 %. A figure whose interval is wider than a tenth of it is
marked *noise*, and so is a goal that lies within the interval: it is neither met nor missed. Ratios travel between machines, times
do not. In plots the bar is the ratio and the black line its interval.

## Goals

${goalTable(benchmarks, recorded)}

${sections.join("\n\n")}
${capacity === undefined ? "" : `\n## How far it goes\n\n${capacity}\n`}
${missing.length === 0 ? "" : `\nNot measured in this report: ${missing.join(", ")}.\n`}`;
  writeFileSync(report, `${text.replaceAll(/\n{3,}/g, "\n\n").trimEnd()}\n`);
}

function goalTable(benchmarks: readonly Benchmark[], recorded: ReadonlyMap<string, Recorded>): string {
  const rows = benchmarks.flatMap(({ name }) => {
    const results = recorded.get(name)?.results ?? [];
    return results.flatMap((result) => {
      if (result.kind !== "goal") return [];
      const interval = result.interval ?? intervalOf(result, results);
      const figure = Number.isInteger(result.value) ? String(result.value) : result.value.toFixed(2);
      return [
        `| ${result.what} | ${figure} | ${intervalText(interval)} | ${result.bound} ${result.limit} | ${verdict(result, interval)} |`,
      ];
    });
  });
  return ["| What | Figure | 95 % interval | Goal | |", "| --- | --: | --: | --: | --- |", ...rows].join("\n");
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

function verdict({ value, bound, limit }: Goal, interval: Estimate | undefined): string {
  const isWithin = interval !== undefined && interval.low <= limit && interval.high >= limit;
  if (isWithin && interval.low < interval.high) return "*noise*";
  return (bound === "at most" ? value <= limit : value >= limit) ? "met" : "**missed**";
}

function intervalText(interval: Estimate | undefined): string {
  return interval === undefined ? "" : `${interval.low.toFixed(2)} to ${interval.high.toFixed(2)}`;
}

function section({ name, title, about }: Benchmark, recorded: Recorded, folder: string): string {
  const { machine, date, commit, seconds, ended, results } = recorded;
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
    if (result.kind === "table") return [`### ${result.title}`, table(result.columns, result.rows)];
    return [];
  });
  const end = ended === "not" ? " **It did not come to its end, and what it had until then is below.**" : "";
  return [
    `## ${title}`,
    about,
    ...busyNote(machine),
    `\`npm run bench -- ${name}\`, ${date.slice(0, 10)} at ${commit}, ${Math.round(seconds)} s. ${machine}.${end}`,
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
  return table(
    ["", "µs", `times ${baseline}`, "95 % interval", ""],
    rows.map(({ name, time, ratio }) => [
      name,
      time.value < 10 ? time.value.toFixed(3) : time.value.toFixed(1),
      ratio.value.toFixed(2),
      intervalText(ratio),
      isNoise(ratio) ? "*noise*" : "",
    ]),
  );
}

function table(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => (typeof cell === "number" ? cell.toLocaleString("en") : cell)).join(" | ")} |`;
  return [
    line(columns),
    `| ${columns.map((_, index) => (index === 0 ? "---" : "--:")).join(" | ")} |`,
    ...rows.map(line),
  ].join("\n");
}
