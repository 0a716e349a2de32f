import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");
const documents = [
  "README.md",
  "CHANGELOG.md",
  "bench/README.md",
  "test/hazards/README.md",
  ...readdirSync(new URL("docs/", root)).flatMap((name) => (name.endsWith(".md") ? [`docs/${name}`] : [])),
];

/** The links of a document to files of this project, with their texts. */
function linksOf(document: string): { text: string; file: URL; target: string }[] {
  return [...read(document).matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g)].flatMap(([, text = "", target = ""]) => {
    if (/^[a-z]+:|^#/.test(target)) return [];
    return [{ text, target, file: new URL(target.replace(/#.*/, ""), new URL(document, root)) }];
  });
}

it.each(documents)("every file that %s links to exists", (document) => {
  const missing = linksOf(document).filter(({ file }) => !existsSync(file));
  expect(missing.map(({ target }) => target)).toEqual([]);
});

it("every test that the documentation of MCP authorization names exists under that name", () => {
  const proofs = linksOf("docs/mcp-authorization.md").filter(({ target }) => target.startsWith("../test/"));
  expect(proofs.length).toBeGreaterThan(80);
  const missing = proofs.filter(({ file, text }) => !readFileSync(file, "utf8").includes(text));
  expect(missing.map(({ text, target }) => `${target}: ${text}`)).toEqual([]);
});

it("the documentation of MCP authorization has a proof for each of the 22 requirements", () => {
  const rows = [...read("docs/mcp-authorization.md").matchAll(/^\| (\d+) +\|.*$/gm)];
  expect(rows.map(([, number]) => Number(number))).toEqual(Array.from({ length: 22 }, (_, index) => index + 1));
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
