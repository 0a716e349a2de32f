/**
 * Runs the benchmarks and writes the report, in less than fifteen minutes a run on a machine that has nothing else to do:
 *
 *     npm run bench
 *     npm run bench -- load memory     only these; the report has the results of the others as they were
 *     npm run bench -- --runs 3        each of them three times: the report has the median, and how far they are apart
 *     npm run bench -- --node 24       on that Node.js, which is installed first, beside the results of the others
 *     npm run bench -- --short         whether every one works, in seconds; its figures mean nothing, and nothing is kept
 *     npm run bench -- --write         writes the report from the results that are there
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { installOnce } from "../.ci/install-once.ts";
import { machineOn } from "./machine.ts";
import { type Benchmark, benchmarks } from "./report/benchmarks.ts";
import { keepRecorded, type Run, readRecorded } from "./report/recorded.ts";
import { writeReport } from "./report/write-report.ts";
import type { Result } from "./results.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
/** In seconds, a run of all of them. */
const total = 14 * 60;
const shortLimit = 180;

const {
  values: { short: isShort = false, write: onlyWrites = false, runs: runCount = "1", node: wantedNode },
  positionals: names,
} = parseArgs({
  allowPositionals: true,
  options: {
    short: { type: "boolean" },
    write: { type: "boolean" },
    runs: { type: "string" },
    node: { type: "string" },
  },
});
if (!/^[1-9]$/.test(runCount)) throw new Error("--runs is a number from 1 to 9.");
const program = wantedNode === undefined ? process.execPath : await installedNode(wantedNode);
const version = execFileSync(program, ["--version"], { encoding: "utf8" }).trim();
const [, node = ""] = /^v(\d+)/.exec(version) ?? [];
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
const chosen = onlyWrites ? [] : present.filter(({ name }) => names.length === 0 || names.includes(name));
for (const benchmark of chosen) {
  const runs: Run[] = [];
  for (let count = 0; count < Number(runCount); count++) {
    const left = total * Number(runCount) - (performance.now() - start) / 1000;
    if (left < 30) {
      broken.push(`${benchmark.name} (no time was left)`);
      break;
    }
    const recorded = await run(benchmark, Math.min(left, isShort ? shortLimit : benchmark.limit));
    // What was measured before is better than a run that broke off.
    const isBrokenOff = recorded.ended === "not" || recorded.results.length === 0;
    if (isBrokenOff) broken.push(benchmark.name);
    if (!isBrokenOff || (recorded.results.length > 0 && !isKept(benchmark.name))) runs.push(recorded);
  }
  const [first, ...others] = runs;
  if (first !== undefined) keepRecorded(results, node, { name: benchmark.name, runs: [first, ...others] });
}
const report = join(isShort ? scratch : here, "REPORT.md");
writeReport(results, report, benchmarks);
console.log(`\n${report}, after ${Math.round((performance.now() - start) / 1000)} s`);
if (broken.length > 0) {
  console.error(`Without a result: ${broken.join(", ")}.`);
  process.exitCode = 1;
}

function isKept(name: string): boolean {
  return readRecorded(results).some((recorded) => recorded.node === node && recorded.benchmarks.has(name));
}

/** The Node.js of a package of its own, such as `bench/node-24`. */
async function installedNode(major: string): Promise<string> {
  const folder = `node-${major}`;
  if (!existsSync(join(here, folder))) throw new Error(`There is no ${folder} among the benchmarks.`);
  await installOnce(`bench/${folder}`);
  return join(here, folder, "node_modules", ".bin", "node");
}

async function run({ name }: Benchmark, limit: number): Promise<Run> {
  console.log(`\n== ${name}, Node ${version}`);
  const file = join(scratch, `${name}.jsonl`);
  writeFileSync(file, "");
  const about = { date: new Date().toISOString(), machine: machineOn(version), commit: commit() };
  const began = performance.now();
  const child = spawn(program, ["--expose-gc", join(here, `${name}.ts`)], {
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
