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

// Within the project, so that an external package is found; with a dot, so that no other tool sees it.
const folder = await mkdtemp(join(import.meta.dirname, ".bundle-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Bundles a program into one ES module, and runs it. What the SDK of Pangea requires no ES module can hold. */
async function runBundled(name: string, code: string): Promise<string> {
  const [source, bundle] = [join(folder, `${name}.ts`), join(folder, `${name}.mjs`)];
  await writeFile(source, code);
  const settings = ["--bundle", "--format=esm", "--platform=node", "--external:pangea-node-sdk", "--log-level=warning"];
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
