import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, expect, it } from "vitest";
import { z } from "zod";
import { compiler } from "../support/compiler.ts";

const root = resolve(import.meta.dirname, "../..");
// In the root of this project, so that this package is found by its name; with a dot, so that no other tool sees it.
const directory = mkdtempSync(join(root, ".blocks-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const ours = `import express from "express";
import { requireBearer } from "pangea-authn-fastmcp/express";
import type { McpOAuthProvider } from "pangea-authn-fastmcp";
declare const provider: McpOAuthProvider;
const app = express();
app.post("/mcp", requireBearer(provider), async (request, response) => {
  const clientId: string | undefined = request.auth?.clientId;
  const scopes: string[] = request.auth?.scopes ?? [];
  const subject: unknown = request.auth?.extra?.subject;
  const { token } = await provider.upstreamToken(request.auth);
  response.json({ clientId, scopes, subject, expiresAt: request.auth?.expiresAt, length: token.length });
});
`;
const transport = `import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
declare const transport: StreamableHTTPServerTransport;
app.all("/other", requireBearer(provider), (request, response) => transport.handleRequest(request, response));
`;
const bearerOfSdk = (from: string): string => `import { requireBearerAuth } from "${from}";
app.get("/theirs", requireBearerAuth({ verifier: provider }), (request, response) => {
  response.json(request.auth?.clientId);
});
`;

/** What the compiler says of a server. Libraries are checked as well: two of them could contradict each other. */
function compile(name: string, code: string): string[] {
  const compilerOptions = {
    module: "nodenext",
    target: "es2023",
    lib: ["es2023", "esnext.disposable"],
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    types: ["node"],
    customConditions: ["pangea-authn-fastmcp-source"],
  };
  writeFileSync(join(directory, `${name}.ts`), code);
  const settings = join(directory, `${name}.json`);
  writeFileSync(settings, JSON.stringify({ compilerOptions, files: [`${name}.ts`] }));
  try {
    execFileSync(process.execPath, [compiler, "-p", settings], { cwd: root, stdio: "pipe", encoding: "utf8" });
    return [];
  } catch (failure) {
    const { stdout } = z.object({ stdout: z.string() }).parse(failure);
    return stdout.split("\n").filter((line) => /\.blocks-|express|src\/integrations/.test(line));
  }
}

it.each([
  ["by itself", ours],
  [
    "with a transport and the middleware of the MCP SDK v1",
    `${ours}${transport}${bearerOfSdk("@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js")}`,
  ],
  ["with the middleware of the MCP SDK v2", `${ours}${bearerOfSdk("@modelcontextprotocol/express")}`],
])(
  "request.auth has a type behind requireBearer of Express: %s",
  (name, code) => {
    expect(compile(name.replaceAll(" ", "-"), code)).toEqual([]);
  },
  120_000,
);

it("finds a member that is not there", () => {
  const wrong = ours.replace("request.auth?.clientId", "request.auth?.client_id");
  expect(compile("wrong", wrong)).toEqual([expect.stringContaining("client_id")]);
}, 120_000);
