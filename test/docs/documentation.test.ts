import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
/** Every document of the project, whether it has been committed yet or not. */
const documents = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"], {
  cwd: fileURLToPath(root),
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(new URL(path, root)));
/** Those that are written by hand, for people who read them in a terminal too. */
const guides = ["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "docs/storage.md"];

/** A document without what is code in it. */
const prose = (path: string): string => read(path).replaceAll(/^```.*?^```$/gms, "");

/** The links of a document to files of this project, with their texts. */
function linksOf(document: string): { text: string; file: URL; target: string; section: string }[] {
  return [...prose(document).matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g)].flatMap(([, text = "", target = ""]) => {
    if (/^[a-z]+:/.test(target)) return [];
    const [path = "", section = ""] = target.split("#");
    const here = new URL(document, root);
    return [{ text, target, file: path === "" ? here : new URL(path, here), section }];
  });
}

/** The names that GitHub and typedoc give the headings of a document. */
function sectionsOf(file: URL): string[] {
  const headings = readFileSync(file, "utf8").matchAll(/^#+ (.*)$/gm);
  return [...headings].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, "")
      .trim()
      .replaceAll(/\s/g, "-"),
  );
}

it.each(documents)("every file that %s links to exists", (document) => {
  const missing = linksOf(document).filter(({ file }) => !existsSync(file) || statSync(file).isDirectory());
  expect(missing.map(({ target }) => target)).toEqual([]);
});

it.each(documents)("every section that %s links to exists", (document) => {
  const lost = linksOf(document).filter(({ file, section }) => section !== "" && !sectionsOf(file).includes(section));
  expect(lost.map(({ target }) => target)).toEqual([]);
});

it.each(documents)("%s names no place of one machine", (document) => {
  expect(read(document).match(/(?:\/home|\/Users|\/work|\/root)\/\S+|\bC:\\\S+/g) ?? []).toEqual([]);
});

it.each(guides)("no line of %s is wider than a screen", (guide) => {
  const wide = read(guide)
    .split("\n")
    .filter((line) => line.length > 130);
  expect(wide).toEqual([]);
});

it.each(guides)("every file that %s names as code exists", (guide) => {
  const named = [...prose(guide).matchAll(/`((?:src|test|docs|bench|examples)\/[\w./-]+)`/g)].map(
    ([, path = ""]) => path,
  );
  // The explorer's folder comes with the explorer.
  const missing = named.filter((path) => !path.startsWith("test/explorer/") && !existsSync(new URL(path, root)));
  expect(missing).toEqual([]);
});

it("CONTRIBUTING.md has a line for each command of package.json", () => {
  const scripts = Object.keys(JSON.parse(read("package.json")).scripts).filter((name) => name !== "prepack");
  const guide = read("CONTRIBUTING.md");
  const named = (name: string) => new RegExp(`^npm (?:run )?${name}\\b`, "m").test(guide);
  expect(scripts.filter((name) => !named(name))).toEqual([]);
});

it("every test that the documentation of MCP authorization names exists under that name", () => {
  const proofs = linksOf("docs/mcp-authorization.md").filter(({ target }) => target.startsWith("../test/"));
  expect(proofs.length).toBeGreaterThan(80);
  const missing = proofs.filter(({ file, text }) => !readFileSync(file, "utf8").includes(text));
  expect(missing.map(({ text, target }) => `${target}: ${text}`)).toEqual([]);
});

it("the documentation of MCP authorization has a proof for each requirement", () => {
  const rows = [...read("docs/mcp-authorization.md").matchAll(/^\| (\d+) +\|.*$/gm)];
  expect(rows.length).toBeGreaterThanOrEqual(23);
  expect(rows.map(([, number]) => Number(number))).toEqual(rows.map((_, index) => index + 1));
  for (const [row] of rows) expect(row).toContain("](../test/");
});

it("the README has a row for each option of the provider", () => {
  const optionsIn = (file: string, name: string) => {
    const [, body = ""] =
      new RegExp(`interface ${name}\\b[^{]*\\{\\n(.*?)\\n\\}`, "s").exec(read(`src/provider/${file}`)) ?? [];
    return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, option = ""]) => option);
  };
  const general = optionsIn("configuration/options.ts", "McpOAuthProviderOptions");
  const options = [...general, ...optionsIn("pangea-oauth-provider.ts", "PangeaOAuthProviderOptions")];
  expect(options.length).toBeGreaterThan(30);
  const table = read("README.md").split("## Options")[1]?.split("\n## ")[0] ?? "";
  const named = (option: string) =>
    table.includes(`\`${option}\``) || table.includes(`\`${option.replace("pangeaAuthn", "…")}\``);
  expect(options.filter((option) => !named(option))).toEqual([]);
});
