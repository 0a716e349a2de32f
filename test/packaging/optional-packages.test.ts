import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { z } from "zod";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const packageSchema = z.object({
  exports: z.record(z.string(), z.unknown()),
  peerDependencies: z.record(z.string(), z.string()),
});
const { exports: entries, peerDependencies } = packageSchema.parse(
  JSON.parse(await readFile(join(root, "package.json"), "utf8")),
);
const subpaths = Object.keys(entries).filter((path) => path !== "./package.json");

/** Makes every optional peer a package that is not installed. */
const nothingInstalled = `
import { registerHooks } from "node:module";
const peers = ${JSON.stringify(Object.keys(peerDependencies))};
registerHooks({
  resolve(specifier, context, next) {
    const peer = peers.find((name) => specifier === name || specifier.startsWith(name + "/"));
    if (peer === undefined) return next(specifier, context);
    throw Object.assign(new Error("Cannot find package '" + peer + "' imported from here"), { code: "ERR_MODULE_NOT_FOUND" });
  },
});`;

/** What a program prints: where no optional peer is installed, unless other hooks are given. */
async function printed(code: string, given: readonly string[] = [nothingInstalled]): Promise<string> {
  const hooks = given.map((hook) => `--import=data:text/javascript,${encodeURIComponent(hook)}`);
  const conditions = "--conditions=pangea-authn-fastmcp-source";
  const told = "(error) => console.log(error.code, error.message)";
  const program = `(async () => { ${code} })().catch(${told})`;
  const { stdout } = await run(process.execPath, [conditions, ...hooks, "--input-type=module", "-e", program], {
    cwd: root,
  });
  return stdout.trim();
}

const loadedAtOnce: Readonly<Record<string, string>> = {
  "./superjson": "superjson",
  "./mcp-sdk-v2": "@modelcontextprotocol/server",
};

it.each(subpaths)("%s loads without its optional packages, or says which one to install", async (subpath) => {
  const specifier = `pangea-authn-fastmcp${subpath.slice(1)}`;
  const name = loadedAtOnce[subpath];
  const said = await printed(`await import("${specifier}"); console.log("loads");`);
  expect(said).toMatch(name === undefined ? /^loads$/ : new RegExp(`^ERR_CONFIGURATION .*: npm install ${name}$`));
});

const requiredAtOnce = Object.entries(entries).flatMap(([subpath, entry]) => {
  const built: unknown = Object(entry).require;
  return typeof built === "string" ? [[subpath, built.replace("./dist/", "./src/").replace(/js$/, "ts")] as const] : [];
});

it("what loads a package at once has a module of its own for require()", () => {
  expect(requiredAtOnce.map(([subpath]) => subpath).sort()).toEqual(Object.keys(loadedAtOnce).sort());
});

it.each(requiredAtOnce)(
  "%s can be required, with the same names, or says which package to install",
  async (subpath, file) => {
    const said = await printed(`(await import("node:module")).createRequire(import.meta.url)("${join(root, file)}");`);
    expect(said).toMatch(new RegExp(`^ERR_CONFIGURATION .*: npm install ${loadedAtOnce[subpath]}$`));
    const required: unknown = createRequire(import.meta.url)(join(root, file));
    const imported: unknown = await import(join(root, file.replace("-required", "")));
    expect(Object.keys(Object(required))).toEqual(Object.keys(Object(imported)));
  },
);

it.each([
  [
    "a Vault token",
    `const { createVaultRepositories } = await import("pangea-authn-fastmcp/vault");
     await createVaultRepositories("pts_demo").grants.get("a");`,
    "pangea-node-sdk",
  ],
  [
    "an OpenID Connect upstream",
    `const { openIdConnect } = await import("pangea-authn-fastmcp");
     await openIdConnect({ issuer: "https://id.example", clientId: "a", clientSecret: "s".repeat(32) }).prepare();`,
    "openid-client",
  ],
  [
    "the emulator",
    `const { startPangeaEmulator } = await import("pangea-authn-fastmcp/emulator");
     await startPangeaEmulator();`,
    "oidc-provider",
  ],
])("%s says which package it needs", async (_, code, name) => {
  expect(await printed(code)).toMatch(new RegExp(`^ERR_CONFIGURATION .*npm install ${name}$`));
});

it.each([
  [
    "says without the SDK of Pangea that it needs it",
    nothingInstalled,
    /^ERR_CONFIGURATION .*npm install pangea-node-sdk$/,
  ],
  ["takes it with the SDK", "", /^taken$/],
])("a copy that npm installed looks for the package when it is given a Vault token: it %s", async (_, hooks, said) => {
  const folder = await mkdtemp(join(tmpdir(), "beside-"));
  try {
    const copy = join(folder, "node_modules/pangea-authn-fastmcp");
    await cp(join(root, "src"), join(copy, "src"), { recursive: true });
    // Node strips no types below node_modules, and the copy has no packages of its own.
    const asInstalled = `
import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
const root = ${JSON.stringify(pathToFileURL(join(root, "package.json")).href)};
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier, /^[.]|^file:|^node:/.test(specifier) ? context : { ...context, parentURL: root }),
  load: (url, context, next) =>
    url.endsWith(".ts")
      ? { format: "module", shortCircuit: true, source: stripTypeScriptTypes(readFileSync(new URL(url), "utf8")) }
      : next(url, context),
});`;
    const code = `
const { toVaultService } = await import(${JSON.stringify(pathToFileURL(join(copy, "src/storage/vault/connect.ts")).href)});
toVaultService("pts_demo", {});
console.log("taken");`;
    expect(await printed(code, [asInstalled, hooks])).toMatch(said);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
