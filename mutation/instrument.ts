/** Makes a copy of the project in which the mutants of some files are, each behind a switch. */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A place in a file, from 0. */
interface Position {
  readonly line: number;
  readonly column: number;
}

/** One change of the code, as Stryker makes it. */
export interface Mutant {
  readonly id: string;
  /** Below the root of the project. */
  readonly file: string;
  readonly mutator: string;
  /** What was there, and what is there instead, each on one line. */
  readonly code: string;
  readonly replacement: string;
  readonly start: Position;
}

/** What Stryker's instrumenter has of a mutant. */
interface Instrumented {
  readonly id: string;
  readonly fileName: string;
  readonly mutatorName: string;
  readonly replacement: string;
  readonly location: { readonly start: Position; readonly end: Position };
  readonly status?: string;
}

/** What the copy has of the project, beside what is installed. */
const copied = [".ci", "bench", "docs", "examples", "src", "test", "package.json", "tsconfig.json", "README.md"];
const installed = [
  "node_modules",
  "test/node_modules",
  "test/older-mcp-sdks/node_modules",
  "test/redis-clients/node_modules",
];

/**
 * @param root - Of the project.
 * @param tree - Where the copy is to be.
 * @param names - The files that are mutated, below the root.
 * @returns The mutants that count.
 */
export async function instrument(root: string, tree: string, names: readonly string[]): Promise<readonly Mutant[]> {
  rmSync(tree, { recursive: true, force: true });
  mkdirSync(tree, { recursive: true });
  const isOurs = (path: string) => !/node_modules/.test(path.slice(root.length));
  for (const name of copied) cpSync(join(root, name), join(tree, name), { recursive: true, filter: isOurs });
  for (const name of installed) if (existsSync(join(root, name))) symlinkSync(join(root, name), join(tree, name));
  // Stryker publishes the instrumenter for its own packages, without types for others.
  const { Instrumenter } = await import(
    join(root, "mutation/node_modules/@stryker-mutator/instrumenter/dist/src/instrumenter.js")
  );
  const plugins: { readonly strykerPlugins: readonly { readonly value: unknown }[] } = await import(
    join(root, "mutation/ignore-messages.js")
  );
  const silent = { debug() {}, info() {}, warn: console.error, error: console.error, isDebugEnabled: () => false };
  const files = names.map((name) => ({ name, mutate: true, content: readFileSync(join(root, name), "utf8") }));
  const ignorers = plugins.strykerPlugins.map(({ value }) => value);
  const done: { files: readonly { name: string; content: string }[]; mutants: readonly Instrumented[] } =
    await new Instrumenter(silent).instrument(files, { plugins: null, excludedMutations: [], ignorers });
  for (const { name, content } of done.files) writeFileSync(join(tree, name), content);
  const texts = new Map(files.map(({ name, content }) => [name, content.split("\n")]));
  return done.mutants
    .filter(({ status }) => status !== "Ignored")
    .map(({ id, fileName: file, mutatorName: mutator, replacement, location: { start, end } }) => ({
      id,
      file,
      mutator,
      code: onOneLine(between(texts.get(file) ?? [], start, end)),
      replacement: onOneLine(replacement),
      start,
    }));
}

function between(lines: readonly string[], start: Position, end: Position): string {
  const chosen = lines.slice(start.line, end.line + 1);
  const last = chosen.length - 1;
  return chosen
    .map((line, index) => line.slice(index === 0 ? start.column : 0, index === last ? end.column : undefined))
    .join("\n");
}

function onOneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
