import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = new URL("../../", import.meta.url);

/** A block of code in a document. */
export interface CodeBlock {
  readonly document: string;
  /** The line of the document that the block begins at. */
  readonly line: number;
  readonly language: string;
  /** The words behind the language: `fragment` for what cannot run alone, `file=name` for what others import. */
  readonly words: readonly string[];
  readonly code: string;
}

/** The documents whose blocks readers copy, relative to the root. */
export const documents = execFileSync(
  "git",
  [
    "ls-files",
    "--cached",
    "--others",
    "--exclude-standard",
    "README.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "docs/*.md",
  ],
  { cwd: fileURLToPath(root), encoding: "utf8" },
)
  .split("\n")
  .filter((path) => path !== "" && existsSync(new URL(path, root)));

/** The blocks of a document, in its order. */
export function codeBlocksOf(document: string): CodeBlock[] {
  const text = readFileSync(new URL(document, root), "utf8");
  return [...text.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map(({ 1: fence = "", 2: code = "", index }) => {
    const [language = "", ...words] = fence.split(" ");
    return { document, line: text.slice(0, index).split("\n").length, language, words, code };
  });
}
