/**
 * Runs the benchmarks and writes the report, in less than fifteen minutes on a machine that has nothing else to do:
 *
 *     npm run bench
 *     npm run bench -- load memory     only these; the report has the results of the others as they were
 *     npm run bench -- --short         whether every one works, in seconds; its figures mean nothing, and nothing is kept
 *     npm run bench -- --write         writes the report from the results that are there
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { machine } from "./machine.ts";
import { type Benchmark, benchmarks } from "./report/benchmarks.ts";
import type { Recorded } from "./report/recorded.ts";
import { writeReport } from "./report/write-report.ts";
import type { Result } from "./results.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const total = 14 * 60;
const shortLimit = 180;

const given = process.argv.slice(2);
const isShort = given.includes("--short");
const names = given.filter((argument) => !argument.startsWith("--"));
const unknown = names.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name));
if (unknown.length > 0) {
  throw new Error(
    `There is no benchmark ${unknown.join(", ")}; there are ${benchmarks.map(({ name }) => name).join(", ")}.`,
  );
}
const scratch = mkdtempSync(join(tmpdir(), "pangea-report-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const results = isShort ? join(scratch, "results") : join(here, "results");
mkdirSync(results, { recursive: true });

const start = performance.now();
const broken: string[] = [];
// A script that is not there yet is left out, and the report says so.
const present = benchmarks.filter(({ name }) => existsSync(join(here, `${name}.ts`)));
const chosen = given.includes("--write")
  ? []
  : present.filter(({ name }) => names.length === 0 || names.includes(name));
for (const benchmark of chosen) {
  const left = total - (performance.now() - start) / 1000;
  if (left < 30) {
    broken.push(`${benchmark.name} (no time was left)`);
    continue;
  }
  const recorded = await run(benchmark, Math.min(left, isShort ? shortLimit : benchmark.limit));
  const isBrokenOff = recorded.ended === "not" || recorded.results.length === 0;
  if (isBrokenOff) broken.push(benchmark.name);
  // What was measured before is better than a run that broke off.
  const file = join(results, `${benchmark.name}.json`);
  if (!isBrokenOff || (recorded.results.length > 0 && !existsSync(file)))
    writeFileSync(file, `${JSON.stringify(recorded, undefined, 1)}\n`);
}
const report = join(isShort ? scratch : here, "REPORT.md");
writeReport(results, report, benchmarks);
console.log(`\n${report}, after ${Math.round((performance.now() - start) / 1000)} s`);
if (broken.length > 0) {
  console.error(`Without a result: ${broken.join(", ")}.`);
  process.exitCode = 1;
}

async function run({ name }: Benchmark, limit: number): Promise<Recorded> {
  console.log(`\n== ${name}`);
  const file = join(scratch, `${name}.jsonl`);
  writeFileSync(file, "");
  const about = { name, date: new Date().toISOString(), machine: machine(), commit: commit() };
  const began = performance.now();
  const child = spawn(process.execPath, ["--expose-gc", join(here, `${name}.ts`)], {
    stdio: "inherit",
    env: { ...process.env, BENCH_RESULTS: file, ...(isShort && { BENCH_SHORT: "1" }) },
  });
  const timer = setTimeout(() => child.kill("SIGTERM"), limit * 1000);
  const [code] = await once(child, "close");
  clearTimeout(timer);
  const lines = readFileSync(file, "utf8").split("\n");
  const measured = lines.filter((line) => line !== "").map((line): Result => JSON.parse(line));
  const hasMissed = code === 1 && measured.some(({ kind }) => kind === "goal");
  return {
    ...about,
    seconds: (performance.now() - began) / 1000,
    ended: code === 0 ? "well" : hasMissed ? "with a goal missed" : "not",
    results: measured,
  };
}

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short=9", "HEAD"], { cwd: here, encoding: "utf8" }).trim();
  } catch {
    return "an unknown commit";
  }
}
