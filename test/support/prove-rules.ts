import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

/** A text of a file below `src`, and what stands in its place without the rule. */
export type Edit = readonly [file: string, rule: string, without: string];

/** Something that the source guards against, and the tests that say whether it does. */
export interface ProvedRule {
  readonly name: string;
  /** Files of the folder, without `.test.ts`; or the names of other tests, where those are run in another way. */
  readonly tests: readonly string[];
  readonly edits: readonly Edit[];
}

/**
 * Proves that tests can fail: takes out one rule after the other, in a copy of the tree, and runs its tests. Prints a
 * table in Markdown; the process fails where a test does not notice. Arguments of the command line, where there are any, are
 * parts of the names of the rules to prove.
 *
 * @param what - The heading of the first column.
 * @param run - Runs tests in a copy of the tree, given by its path; answers the names of what failed. Or the folder of the
 * test files, from the root of the project.
 */
export async function proveRules(
  what: string,
  run: string | ((copy: string, tests: readonly string[]) => Promise<readonly string[]>),
  all: readonly ProvedRule[],
): Promise<void> {
  const wanted = process.argv.slice(2);
  const rules = all.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
  if (rules.length === 0) throw new Error(`No rule has ${wanted.join(" or ")} in its name; nothing was proven.`);
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const copy = await mkdtemp(join(tmpdir(), "rules-"));
  try {
    // The packages of `test/programs` and `test/runtimes` stay where they are: no rule's test needs one.
    const filter = (path: string) => basename(path) !== "node_modules";
    for (const part of [".ci", "src", "test", "package.json", "tsconfig.json", "vitest.config.ts"]) {
      await cp(join(root, part), join(copy, part), { recursive: true, filter });
    }
    await symlink(join(root, "node_modules"), join(copy, "node_modules"));
    for (const packages of ["test", "test/older-mcp-sdks", "test/redis-clients"].map(
      (folder) => `${folder}/node_modules`,
    )) {
      if (existsSync(join(root, packages))) await symlink(join(root, packages), join(copy, packages));
    }
    const failingIn = (tests: readonly string[]) =>
      typeof run === "string" ? failingTests(copy, run, tests) : run(copy, tests);
    const sound = await failingIn([...new Set(rules.flatMap(({ tests }) => tests))]);
    if (sound.length > 0) throw new Error(`These fail with every rule in place: ${sound.join("; ")}`);

    console.log(`| ${what} | Tests | The rule that was taken out | What failed |\n| --- | --- | --- | --- |`);
    for (const { name, tests, edits } of rules) {
      const restore = await takeOut(join(copy, "src"), edits);
      const failing = await failingIn(tests);
      await restore();
      const [[file, rule] = ["", ""]] = edits;
      const where = `\`${rule.trim().replaceAll(/\s+/g, " ")}\` in \`src/${file}\``;
      const titles = failing.map((title) => `"${title}"`);
      const shown = titles.length > 4 ? [...titles.slice(0, 3), `${titles.length - 3} more`] : titles;
      console.log(
        [name, tests.join(", "), where, shown.join("; ")].map((cell) => `| ${cell.replaceAll("|", "\\|")} `).join("") +
          "|",
      );
      if (failing.length === 0) {
        console.error(`Not noticed: ${name}`);
        process.exitCode = 1;
      }
    }
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** Applies the edits; gives back what undoes them. */
async function takeOut(source: string, edits: readonly Edit[]): Promise<() => Promise<void>> {
  const originals = new Map<string, string>();
  for (const [file, rule, without] of edits) {
    const path = join(source, file);
    const text = await readFile(path, "utf8");
    if (!originals.has(path)) originals.set(path, text);
    if (!text.includes(rule)) throw new Error(`${file} does not have: ${rule}`);
    await writeFile(
      path,
      text.replace(rule, () => without),
    );
  }
  return async () => {
    for (const [path, text] of originals) await writeFile(path, text);
  };
}

/** The names of the tests that fail in the copy. */
async function failingTests(copy: string, folder: string, tests: readonly string[]): Promise<string[]> {
  const vitest = join(copy, "node_modules/vitest/vitest.mjs");
  const files = tests.map((test) => `${folder}/${test}.test.ts`);
  const report = join(copy, "report.json");
  await rm(report, { force: true });
  await new Promise((resolve) => {
    // A proof runs for long, beside other work: a test that is slow has noticed nothing.
    const patience = ["--testTimeout=120000", "--hookTimeout=120000"];
    const commandLine = [vitest, "run", ...files, ...patience, "--reporter=json", `--outputFile=${report}`];
    execFile(process.execPath, commandLine, { cwd: copy }, resolve);
  });
  const { testResults, numTotalTests, success } = JSON.parse(await readFile(report, "utf8"));
  if (numTotalTests === 0) throw new Error(`Vitest has run no test of ${files.join(", ")}; is the machine too busy?`);
  const failing: string[] = [];
  for (const { status, message, name, assertionResults } of testResults) {
    if (status === "failed" && assertionResults.length === 0) throw new Error(`${name}: ${message}`);
    for (const { status: outcome, title } of assertionResults) if (outcome === "failed") failing.push(title);
  }
  if (failing.length === 0 && success !== true)
    throw new Error(`Vitest failed beside the tests of ${files.join(", ")}.`);
  return failing;
}
