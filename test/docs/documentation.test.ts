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
const guides = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "docs/account.md",
  "docs/administration.md",
  "docs/backends.md",
  "docs/emulator.md",
  "docs/from-python.md",
  "docs/guarantees.md",
  "docs/own-backend.md",
  "docs/storage.md",
];

/** What the Python package's version 0.3.2 has: the arguments of its classes, its methods, what it exports. */
const pythonNames = [
  ...["mcp_base_url", "mcp_issuer_url", "mcp_scopes", "pangea_authn_issuer_url", "pangea_authn_client_id"],
  ...["pangea_authn_client_secret", "pangea_authn_scopes", "access_tokens_repository", "auth_codes_repository"],
  ...["clients_repository", "client_to_authn_repository", "service_documentation_url", "client_registration_options"],
  ...["revocation_options", "required_scopes", "folder", "get_client", "register_client", "authorize"],
  ...["exchange_authorization_code", "load_access_token", "revoke_token", "load_refresh_token"],
  ...["exchange_refresh_token", "callback_handler", "client_to_authn", "PangeaAccessToken", "PangeaOAuthProvider"],
  ...["InMemoryRepository", "PangeaVaultRepository", "Repository", "AccessToken", "AuthorizationCode"],
  ...["OAuthClientInformationFull"],
];

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
  const scripts = Object.keys(JSON.parse(read("package.json")).scripts).filter(
    (name) => !["prepack", "prepare", "prepublishOnly"].includes(name),
  );
  const guide = read("CONTRIBUTING.md");
  const named = (name: string) => new RegExp(`^npm (?:run )?${name}\\b`, "m").test(guide);
  expect(scripts.filter((name) => !named(name))).toEqual([]);
});

/** The tests that a document names, each by its title and its file: the package does not bring them, so nothing leads to them. */
function namedTests(text: string): { title: string; path: string }[] {
  return [...text.matchAll(/"([^"]+)" in `(test\/[^`]+)`/g)].map(([, title = "", path = ""]) => ({ title, path }));
}

it("every test that the documentation of MCP authorization names exists under that name", () => {
  const proofs = namedTests(read("docs/mcp-authorization.md"));
  expect(proofs.length).toBeGreaterThan(80);
  const missing = proofs.filter(({ title, path }) => !existsSync(new URL(path, root)) || !read(path).includes(title));
  expect(missing).toEqual([]);
});

it("the documentation of MCP authorization has a proof for each requirement", () => {
  const rows = [...read("docs/mcp-authorization.md").matchAll(/^\| (\d+) +\|.*$/gm)];
  expect(rows.length).toBeGreaterThanOrEqual(23);
  expect(rows.map(([, number]) => Number(number))).toEqual(rows.map((_, index) => index + 1));
  for (const [row] of rows) expect(namedTests(row)).not.toEqual([]);
});

it("the README is for a person who decides in a minute: it is short, and no table is wider than a screen", () => {
  const lines = read("README.md").split("\n");
  expect(lines.length).toBeLessThan(180);
  const rendered = (row: string) =>
    row
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1")
      .replaceAll(/[`*]/g, "")
      .split("|")
      .map((cell) => cell.trim());
  const tables = read("README.md").match(/(?:^\|.*\n)+/gm) ?? [];
  expect(tables.length).toBeGreaterThan(1);
  for (const table of tables) {
    const rows = table
      .trim()
      .split("\n")
      .filter((row) => !/^[|\s:-]+$/.test(row))
      .map(rendered);
    const widths = rows[0]?.map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0))) ?? [];
    expect(
      widths.reduce((sum, width) => sum + width + 3, 0),
      rows[0]?.join(" "),
    ).toBeLessThanOrEqual(100);
  }
});

/** What `npm publish` would send, but for what a build makes. */
const shipped: ReadonlySet<string> = new Set(
  Object.values<{ files: { path: string }[] }>(
    JSON.parse(
      execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
        cwd: fileURLToPath(root),
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }),
    ),
  ).flatMap(({ files }) => files.map(({ path }) => path)),
);

it("the package has the documents", () => {
  const some = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/mcp-authorization.md", "docs/troubleshooting.md"];
  expect(some.filter((path) => !shipped.has(path))).toEqual([]);
});

it.each(documents.filter((path) => shipped.has(path)))("the package brings every file that %s leads to", (document) => {
  const inHtml = [...prose(document).matchAll(/(?:src|href)="([^"]+)"/g)].flatMap(([, target = ""]) => {
    return /^(?:[a-z]+:|#)/.test(target) ? [] : [{ target, file: new URL(target, new URL(document, root)) }];
  });
  const lost = [...linksOf(document), ...inHtml].filter(({ file }) => {
    return !shipped.has(decodeURI(new URL(file).href.slice(root.href.length)).replace(/#.*$/, ""));
  });
  expect(lost.map(({ target }) => target)).toEqual([]);
});

it("docs/options.md has a row for each option of the provider", () => {
  const optionsIn = (file: string, name: string) => {
    const [, body = ""] =
      new RegExp(`interface ${name}\\b[^{]*\\{\\n(.*?)\\n\\}`, "s").exec(read(`src/provider/${file}`)) ?? [];
    return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, option = ""]) => option);
  };
  const general = optionsIn("configuration/options.ts", "McpOAuthProviderOptions");
  const options = [...general, ...optionsIn("pangea-oauth-provider.ts", "PangeaOAuthProviderOptions")];
  expect(options.length).toBeGreaterThan(30);
  const table = read("docs/options.md");
  const named = (option: string) =>
    table.includes(`\`${option}\``) || table.includes(`\`${option.replace("pangeaAuthn", "…")}\``);
  expect(options.filter((option) => !named(option))).toEqual([]);
});

it("docs/from-python.md has a row for each argument and each public name of the Python package", () => {
  const rows = read("docs/from-python.md").match(/^\| .*$/gm) ?? [];
  const named = (name: string) => rows.some((row) => new RegExp(`\\b${name}\\b`).test(row.split("|")[1] ?? ""));
  expect(pythonNames.filter((name) => !named(name))).toEqual([]);
});
