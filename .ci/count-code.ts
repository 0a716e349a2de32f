/**
 * Counts the code of `src` at a commit: the lines that have something on them beside imports, exports from other files and
 * comments. The second figure is the characters of those lines without white space, which no line break makes fewer.
 *
 *     npx node .ci/count-code.ts [<commit>] [--by room|file] [--without <list>]
 *
 * A list names what is not to be counted: on each line a path, or a path and lines of it (`src/errors.ts:10-24`), then
 * what it is. So two commits can be compared by the features that both have: `.ci/count-code/` has the lists for the
 * commits before and after the tree was laid out anew.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { parseSync } from "rolldown/utils";

/** How much code there is. */
export interface Code {
  readonly lines: number;
  readonly characters: number;
}

/** Lines of a file, from 1, both ends included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/**
 * The code of one file.
 *
 * @param leftOut - Lines that do not count.
 */
export function codeOf(path: string, text: string, leftOut: readonly Range[] = []): Code {
  const code = withoutDeclarationsOfModules(path, text)
    .split("\n")
    .filter((_, index) => !leftOut.some(({ first, last }) => first <= index + 1 && index + 1 <= last))
    .map((line) => line.replaceAll(/\s/g, ""))
    .filter((line) => line !== "");
  return { lines: code.length, characters: code.reduce((sum, line) => sum + line.length, 0) };
}

/** The text with spaces in place of each comment, import and export from another file. */
function withoutDeclarationsOfModules(path: string, text: string): string {
  const { program, comments, errors } = parseSync(path, text);
  if (errors[0] !== undefined) throw new Error(`${path}: ${errors[0].message}`);
  const modules = program.body.filter(
    (node) =>
      node.type === "ImportDeclaration" ||
      node.type === "ExportAllDeclaration" ||
      (node.type === "ExportNamedDeclaration" && node.source !== null),
  );
  let rest = text;
  for (const { start, end } of [...comments, ...modules]) {
    rest = rest.slice(0, start) + rest.slice(start, end).replaceAll(/\S/g, " ") + rest.slice(end);
  }
  return rest;
}

/**
 * What a list leaves out, by path.
 *
 * @throws {Error} When a line of the list has neither form.
 */
export function readList(text: string): Map<string, Range[]> {
  const ranges = new Map<string, Range[]>();
  for (const line of text.split("\n")) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const [, path, first, last] = /^(src\/[\w./-]+\.ts)(?::(\d+)-(\d+))?(?:\s|$)/.exec(line) ?? [];
    if (path === undefined) throw new Error(`No path of src begins this line: ${line}`);
    const range = { first: Number(first ?? 1), last: Number(last ?? Number.POSITIVE_INFINITY) };
    ranges.set(path, [...(ranges.get(path) ?? []), range]);
  }
  return ranges;
}

/** The code of each file of src at a commit. */
function codeAt(commit: string, leftOut: ReadonlyMap<string, readonly Range[]>): Map<string, Code> {
  const git = (...words: string[]) => execFileSync("git", words, { cwd: root, encoding: "utf8" });
  const paths = git("ls-tree", "-r", "--name-only", commit, "src").split("\n").filter(Boolean);
  const unknown = [...leftOut.keys()].find((path) => !paths.includes(path));
  if (unknown !== undefined) throw new Error(`${unknown} is not in ${commit}.`);
  return new Map(paths.map((path) => [path, codeOf(path, git("show", `${commit}:${path}`), leftOut.get(path))]));
}

function sum(codes: Iterable<Code>): Code {
  let total: Code = { lines: 0, characters: 0 };
  for (const { lines, characters } of codes) {
    total = { lines: total.lines + lines, characters: total.characters + characters };
  }
  return total;
}

/** `src/storage/redis/take.ts` is of the room `src/storage/redis`. */
function roomOf(path: string): string {
  return path.split("/").slice(0, -1).slice(0, 3).join("/");
}

if (import.meta.main) {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: { by: { type: "string" }, without: { type: "string" } },
  });
  const code = codeAt(
    positionals[0] ?? "HEAD",
    readList(values.without === undefined ? "" : readFileSync(values.without, "utf8")),
  );
  const rows = new Map<string, Code[]>();
  for (const [path, counted] of code) {
    const name = values.by === "file" ? path : roomOf(path);
    if (values.by !== undefined) rows.set(name, [...(rows.get(name) ?? []), counted]);
  }
  rows.set(`${code.size} files`, [...code.values()]);
  for (const [name, files] of rows) {
    const { lines, characters } = sum(files);
    console.log(`${String(lines).padStart(6)} ${String(characters).padStart(8)}  ${name}`);
  }
}
