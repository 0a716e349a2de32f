// A scratch project's use of the installed package. Run by supported-node-versions.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(import.meta.url);
const dist = join(require.resolve("pangea-authn-fastmcp/package.json"), "../dist");
// Whatever can be imported can be required, where its packages are installed.
const required = (entry) => require(`pangea-authn-fastmcp${entry}`);
const main = await import("pangea-authn-fastmcp");
assert.equal(typeof required("").PangeaOAuthProvider, "function");
const repository = new main.InMemoryRepository();
await repository.set("a", { expiresAt: Date.now() / 1000 + 60 });
assert.ok(await repository.take("a"));
assert.equal(await repository.take("a"), undefined);

if (process.argv[2] === "main") {
  for (const name of ["pangea-node-sdk", "ioredis", "superjson", "oidc-provider"]) {
    assert.throws(() => require.resolve(name), { code: "MODULE_NOT_FOUND" });
  }
  console.log(`Node ${process.version}: the main entry works without any client library`);
} else {
  const { PangeaVaultRepository, createVaultRepositories } = await import("pangea-authn-fastmcp/vault");
  const { startPangeaEmulator, BrowserSession } = await import("pangea-authn-fastmcp/emulator");
  await import("pangea-authn-fastmcp/redis");
  await import("pangea-authn-fastmcp/superjson");
  await import("pangea-authn-fastmcp/conformance");
  await import("pangea-authn-fastmcp/node");
  await import("pangea-authn-fastmcp/express");
  await import("pangea-authn-fastmcp/hono");
  await import("pangea-authn-fastmcp/fastmcp");
  await import("pangea-authn-fastmcp/mcp-sdk-v2");
  for (const entry of Object.keys(require("pangea-authn-fastmcp/package.json").exports)) {
    assert.ok(Object.keys(required(entry.slice(1))).length > 0);
  }
  const { z } = require("zod");
  assert.ok(required("/superjson").superjsonCodec(z.object({ at: z.date() })));
  const { OAuthError } = require("@modelcontextprotocol/server");
  const refusing = { verifyAccessToken: () => Promise.reject(new main.OAuthError("invalid_token", "No.")) };
  await assert.rejects(required("/mcp-sdk-v2").toMcpSdkV2Verifier(refusing).verifyAccessToken("a"), OAuthError);

  const emulator = await startPangeaEmulator();
  const { baseUrlTemplate } = emulator;
  const tokens = new PangeaVaultRepository(main.AccessTokenSchema, "pts_demo", { baseUrlTemplate });
  const record = { clientId: "c", scopes: ["user"], expiresAt: Math.floor(Date.now() / 1000) + 60 };
  await tokens.set("sha256-x", record);
  assert.deepEqual(await tokens.take("sha256-x"), record);

  const provider = new main.PangeaOAuthProvider({
    mcpBaseUrl: "http://localhost:8000",
    mcpScopes: ["user"],
    pangeaAuthnIssuerUrl: emulator.issuerUrl,
    pangeaAuthnClientId: "psa_emulatoremulatoremulatoremulator",
    pangeaAuthnClientSecret: "pck_emulatoremulatoremulatoremulator",
    pangeaAuthnScopes: ["user"],
    repositories: createVaultRepositories("pts_demo", { baseUrlTemplate }),
    logger: false,
  });
  const metadata = await provider.fetch(new Request("http://localhost:8000/.well-known/oauth-authorization-server"));
  assert.equal((await metadata.json()).issuer, "http://localhost:8000");
  assert.ok(new BrowserSession());
  await emulator.close();

  // What a command loads when it runs is read here too.
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js"));
  assert.ok(files.includes("cli/main.js"));
  for (const name of files) execFileSync(process.execPath, ["--check", join(dist, name)]);
  const demo = execFileSync(process.execPath, [join(dist, "cli/main.js"), "demo", "--port", "0"], { encoding: "utf8" });
  assert.match(demo, /revok/i);
  console.log(`Node ${process.version}: every entry loads; Vault, the emulator, the provider and the demo work`);
}
