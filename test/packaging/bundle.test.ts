import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";
import { z } from "zod";
import { programPath, usePrograms } from "../support/programs.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const packageSchema = z.object({
  exports: z.record(z.string(), z.union([z.string(), z.record(z.string(), z.string())])),
});
const { exports: entries } = packageSchema.parse(JSON.parse(await readFile(join(root, "package.json"), "utf8")));
const specifiers = Object.entries(entries).flatMap(([path, entry]) =>
  typeof entry === "string" ? [] : [`pangea-authn-fastmcp${path.slice(1)}`],
);

usePrograms();

// In the root of the project, so that this package and external ones are found; with a dot, so that no other tool sees it.
const folder = await mkdtemp(join(root, ".bundle-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Bundles a program into one ES module, and runs it. What the SDK of Pangea requires no ES module can hold by itself. */
async function runBundled(
  name: string,
  code: string,
  more: readonly string[] = ["--external:pangea-node-sdk"],
): Promise<string> {
  const [source, bundle] = [join(folder, `${name}.ts`), join(folder, `${name}.mjs`)];
  await writeFile(source, code);
  const settings = ["--bundle", "--format=esm", "--platform=node", "--log-level=warning", ...more];
  const conditions = "--conditions=pangea-authn-fastmcp-source";
  const esbuild = programPath("esbuild");
  const { stderr } = await run(esbuild, [source, ...settings, conditions, `--outfile=${bundle}`], { cwd: root });
  expect(stderr).toBe("");
  const { stdout } = await run(process.execPath, [bundle], { cwd: folder });
  return stdout;
}

it("finds the entries of the package", () => {
  expect(specifiers).toEqual(expect.arrayContaining(["pangea-authn-fastmcp", "pangea-authn-fastmcp/redis"]));
});

it.each(specifiers)("%s loads from a bundle of its own", async (specifier) => {
  const code = `import * as entry from "${specifier}";\nconsole.log(Object.keys(entry).length > 0);\n`;
  expect(await runBundled(specifier.replaceAll("/", "-"), code)).toBe("true\n");
});

it("a server with every entry works from one file, the emulator and a login's beginning included", async () => {
  const imports = specifiers.map((specifier, index) => `import * as entry${index} from "${specifier}";`);
  const used = `console.log(${specifiers.map((_, index) => `Object.keys(entry${index}).length`).join(" * ")} > 0);`;
  const server = `
import { createServer } from "node:http";
import { createInMemoryRepositories, cacheRepositories, PangeaOAuthProvider } from "pangea-authn-fastmcp";
import { defaultEmulatorClientId, defaultEmulatorClientSecret, startPangeaEmulator } from "pangea-authn-fastmcp/emulator";
import { protectMcp } from "pangea-authn-fastmcp/node";

const emulator = await startPangeaEmulator();
const provider = new PangeaOAuthProvider({
  mcpBaseUrl: "http://localhost:8000",
  mcpScopes: ["user"],
  pangeaAuthnIssuerUrl: emulator.issuerUrl,
  pangeaAuthnClientId: defaultEmulatorClientId,
  pangeaAuthnClientSecret: defaultEmulatorClientSecret,
  pangeaAuthnScopes: ["user"],
  repositories: cacheRepositories(createInMemoryRepositories(), { maxStaleness: 1_000 }),
});
const listener = protectMcp(provider, (_, response) => response.end());
const server = createServer((request, response) => void listener(request, response));
await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
const url = \`http://127.0.0.1:\${Object(server.address()).port}\`;
console.log((await fetch(\`\${url}/mcp\`, { method: "POST" })).status);
const registration = { redirect_uris: ["http://127.0.0.1:4999/callback"], client_name: "Bundled" };
const body = JSON.stringify(registration);
const headers = { "content-type": "application/json" };
const registered = await fetch(\`\${url}/register\`, { method: "POST", headers, body });
const { client_id } = await registered.json();
const query = new URLSearchParams({
  response_type: "code",
  client_id,
  redirect_uri: "http://127.0.0.1:4999/callback",
  code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
  code_challenge_method: "S256",
});
const page = await fetch(\`\${url}/authorize?\${query}\`);
console.log(registered.status, page.status, (await page.text()).includes("Bundled"));
server.close();
await emulator.close();
`;
  expect(await runBundled("server", [...imports, server, used].join("\n"))).toBe("401\n201 200 true\ntrue\n");
});

it("client libraries go into the file too, where it is told what require is", async () => {
  const require = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  const code = `
import express from "express";
import { Redis } from "ioredis";
import { createRedisRepositories, redisOptions } from "pangea-authn-fastmcp/redis";
import { createVaultRepositories } from "pangea-authn-fastmcp/vault";

const redis = new Redis({ ...redisOptions(), lazyConnect: true });
const names = (repositories: object) => Object.keys(repositories).length > 5;
console.log(names(createRedisRepositories(redis)), names(createVaultRepositories("pts_bundled")), typeof express());
redis.disconnect();
`;
  expect(await runBundled("libraries", code, [`--banner:js=${require}`])).toBe("true true function\n");
});
