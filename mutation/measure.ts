/**
 * Measures how many mutants of files the tests kill, and prints those that live. The mutants are Stryker's; the tests run in
 * one process and switch from mutant to mutant (`switching-runner.ts`), which takes minutes where Stryker takes hours.
 *
 *     npm run mutants -- src/secrets                       every file of a folder, with the tests of the folder of its name
 *     npm run mutants -- src/provider/tokens --tests test/provider/tokens,test/provider/http
 *     npm run mutants -- … --then test/attacks             more tests, for what the first have let live
 *     npm run mutants -- … --no-static                     without what is run while a module is loaded, which takes longest
 *     npm run mutants -- … --killers                       which test has killed each
 *
 * What is listed in `equivalents/` does not count. It ends with 1 where a mutant lives that is not listed.
 */
import { appendFileSync, existsSync, globSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { Equivalent } from "./equivalent.ts";
import { equivalents } from "./equivalents.ts";
import { instrument, type Mutant } from "./instrument.ts";
import { type Line, readLines } from "./lines.ts";
import { runTests } from "./run-tests.ts";

const root = resolve(import.meta.dirname, "..");
const tree = join(root, "mutation/.tree");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  allowNegative: true,
  options: {
    tests: { type: "string" },
    // biome-ignore lint/suspicious/noThenProperty: it is the name of an option, and nothing awaits it.
    then: { type: "string" },
    static: { type: "boolean", default: true },
    killers: { type: "boolean", default: false },
  },
});
const began = performance.now();
const sources = positionals.flatMap((name) => filesOf(name, ".ts"));
if (sources.length === 0) throw new RangeError("Name files or folders of src.");
const first = testsOf(values.tests ?? positionals.map(mirrored).join(","));
const mutants = await instrument(root, tree, sources);
console.error(`${mutants.length} mutants of ${sources.length} files, ${first.length} files of tests`);
pass(first);
if (values.then !== undefined) pass(testsOf(values.then));
if (values.static) trySingly([...first, ...(values.then === undefined ? [] : testsOf(values.then))]);
process.exitCode = report() ? 0 : 1;

/** Finds out what each test reaches, and what it kills of that. */
function pass(files: readonly string[]): void {
  runTests({ tree, files, pass: "cover" });
  for (const line of readLines(tree)) {
    if (line.kind === "covered" && line.failed) console.error(`fails without a mutant, and is left out: ${line.test}`);
  }
  runTests({ tree, files, pass: "kill" });
  // A test may have kept something of the mutants: what it has killed is tried by the others.
  if (readLines(tree).some(({ kind }) => kind === "broken")) runTests({ tree, files, pass: "kill" });
}

/** Begins a process for each mutant that has done its work by the time that a test begins. */
function trySingly(files: readonly string[]): void {
  const { reached, killed, atLoading } = summary(readLines(tree));
  const left = mutants.filter(({ id }) => atLoading.has(id) && !killed.has(id) && !reached.has(id));
  const listed = left.filter((mutant) => equivalentOf(mutant) === undefined);
  console.error(`${listed.length} mutants of what is run while a module is loaded`);
  for (const file of new Set(listed.map((mutant) => mutant.file))) {
    const chosen = testsThatReach(file, files);
    if (!runTests({ tree, files: chosen, pass: "static", mutant: "none" }).passed) {
      console.error(`the tests of ${file} fail without a mutant`);
      continue;
    }
    for (const { id } of listed.filter((mutant) => mutant.file === file)) {
      if (runTests({ tree, files: chosen, pass: "static", mutant: id }).passed) continue;
      appendFileSync(
        join(tree, "lines.jsonl"),
        `${JSON.stringify({ kind: "killed", test: "at loading", mutant: id })}\n`,
      );
    }
  }
}

/** The tests that reach anything of a file; all, where that is only loaded. */
function testsThatReach(file: string, all: readonly string[]): readonly string[] {
  const own = new Set(mutants.flatMap((mutant) => (mutant.file === file ? [mutant.id] : [])));
  const names = readLines(tree).flatMap((line) =>
    line.kind === "covered" && !line.failed && line.mutants.some((id) => own.has(id))
      ? [line.test.split(" > ")[0]]
      : [],
  );
  const chosen = all.filter((name) => names.some((test) => test !== undefined && name.endsWith(test)));
  return chosen.length > 0 ? chosen : all;
}

interface Summary {
  readonly killed: ReadonlyMap<string, string>;
  readonly reached: ReadonlySet<string>;
  readonly atLoading: ReadonlySet<string>;
}

/** What a test has killed that fails in the end without a mutant does not count. */
function summary(lines: readonly Line[]): Summary {
  const broken = new Set(lines.flatMap((line) => (line.kind === "broken" ? [line.test] : [])));
  const kills = lines.filter((line) => line.kind === "killed").filter(({ test }) => !broken.has(test));
  return {
    killed: new Map(kills.map(({ mutant, test }) => [mutant, test])),
    reached: new Set(lines.flatMap((line) => (line.kind === "covered" ? line.mutants : []))),
    atLoading: new Set(lines.flatMap((line) => (line.kind === "static" ? line.mutants : []))),
  };
}

/** Prints what lives, and the figures. Says whether all that lives is listed. */
function report(): boolean {
  const lines = readLines(tree);
  for (const line of lines)
    if (line.kind === "broken") console.error(`keeps something of mutants: ${line.test}: ${line.reason}`);
  const { killed, reached, atLoading } = summary(lines);
  const used = new Set<Equivalent>();
  const living = new Map(equivalents.map((equivalent) => [equivalent, new Set<string>()]));
  const figures = Object.fromEntries(sources.map((file) => [file, noFigures()]));
  for (const mutant of mutants) {
    const figure = figures[mutant.file] ?? noFigures();
    figure.mutants += 1;
    const test = killed.get(mutant.id);
    const equivalent = equivalentOf(mutant);
    if (equivalent !== undefined) used.add(equivalent);
    if (test !== undefined) {
      figure.killed += 1;
      if (values.killers) console.log(`${place(mutant)} is killed by ${test}`);
      if (equivalent !== undefined) console.log(`${place(mutant)} is listed, and killed by ${test}`);
    } else if (equivalent !== undefined && standsFor(equivalent, living.get(equivalent)?.add(place(mutant)).size)) {
      figure.listed += 1;
    } else {
      figure.live += 1;
      const often = equivalent === undefined ? "" : ", in more places than are listed";
      const how = `${reached.has(mutant.id) ? "lives" : atLoading.has(mutant.id) ? "lives, at loading" : "is not reached"}${often}`;
      console.log(
        `${place(mutant)} ${how}: ${mutant.mutator}\n  - ${short(mutant.code)}\n  + ${short(mutant.replacement)}`,
      );
    }
  }
  const total = noFigures();
  for (const figure of Object.values(figures)) {
    for (const name of ["mutants", "killed", "listed", "live"] as const) total[name] += figure[name];
    figure.score = score(figure);
  }
  console.table({ ...figures, together: { ...total, score: score(total) } });
  for (const equivalent of equivalents) {
    const { file, code } = equivalent;
    if (!used.has(equivalent) && sources.includes(`src/${file}`))
      console.log(`is listed, and not there: ${file}: ${code}`);
  }
  console.error(`${((performance.now() - began) / 1000).toFixed(0)} s`);
  return total.live === 0;
}

/** Whether an entry stands for so many places: for all, unless it says for how many. */
function standsFor({ times = Number.POSITIVE_INFINITY }: Equivalent, places = 0): boolean {
  return places <= times;
}

function noFigures() {
  return { mutants: 0, killed: 0, listed: 0, live: 0, score: "–" };
}

function equivalentOf({ file, code, replacement }: Mutant): Equivalent | undefined {
  return equivalents.find((equivalent) => {
    const place = `src/${equivalent.file}`;
    if (place.endsWith("/") ? !file.startsWith(place) : file !== place) return false;
    return matches(equivalent.code, code) && (equivalent.to === undefined || matches(equivalent.to, replacement));
  });
}

/** Whether a text is the one that is listed, or begins as it does before an ellipsis. */
function matches(listed: string, text: string): boolean {
  return listed.endsWith("…") ? text.startsWith(listed.slice(0, -1).trimEnd()) : text === listed;
}

function score({ mutants, listed, killed }: { mutants: number; listed: number; killed: number }): string {
  return mutants === listed ? "–" : `${((100 * killed) / (mutants - listed)).toFixed(1)} %`;
}

function place({ file, start }: Mutant): string {
  return `${file}:${start.line + 1}:${start.column + 1}`;
}

function short(text: string): string {
  return text.length > 160 ? `${text.slice(0, 160)} …` : text;
}

/** The folder or file of tests that is called like one of sources. */
function mirrored(name: string): string {
  const test = name.replace(/\/+$/, "").replace(/^src\b/, "test");
  return test.endsWith(".ts") ? test.replace(/\.ts$/, ".test.ts") : test;
}

function testsOf(names: string): readonly string[] {
  return names.split(",").flatMap((name) => filesOf(name, ".test.ts"));
}

/** The files that a name stands for: a file, a pattern, or all of a folder. */
function filesOf(name: string, end: string): string[] {
  const isFolder = existsSync(join(root, name)) && statSync(join(root, name)).isDirectory();
  const pattern = isFolder ? `${name.replace(/\/+$/, "")}/**/*${end}` : name;
  return globSync(pattern, { cwd: root, exclude: ["**/node_modules"] })
    .filter((file) => file.endsWith(end))
    .sort();
}
