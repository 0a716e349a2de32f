import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
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

/** What a program prints that runs where no optional peer is installed. */
async function printed(code: string): Promise<string> {
  const hooks = `--import=data:text/javascript,${encodeURIComponent(nothingInstalled)}`;
  const conditions = "--conditions=pangea-authn-fastmcp-source";
  const told = "(error) => console.log(error.code, error.message)";
  const program = `(async () => { ${code} })().catch(${told})`;
  const { stdout } = await run(process.execPath, [conditions, hooks, "--input-type=module", "-e", program], {
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
