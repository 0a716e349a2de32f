/**
 * What the blocks of the documents leave to their reader: names that a block uses and does not declare. A block gets the
 * lines of each name that it lacks, with those of the names that these lines use.
 */
export const suppliedNames: Readonly<Record<string, string>> = {
  provider: `import { PangeaOAuthProvider as SuppliedProvider } from "pangea-authn-fastmcp";
const provider = new SuppliedProvider({
  mcpBaseUrl: "https://mcp.example.org",
  mcpScopes: ["user"],
  pangeaAuthnIssuerUrl: process.env.PANGEA_AUTHN_ISSUER_URL ?? "",
  pangeaAuthnClientId: process.env.PANGEA_AUTHN_CLIENT_ID ?? "",
  pangeaAuthnClientSecret: process.env.PANGEA_AUTHN_CLIENT_SECRET ?? "",
  pangeaAuthnScopes: ["user"],
});`,
  handleMcp: `import type { IncomingMessage, ServerResponse } from "node:http";
const handleMcp = (_request: IncomingMessage, response: ServerResponse) => {
  response.end("MCP");
};`,
  log: `const log = { info: (entry: object) => console.log(JSON.stringify(entry)) };`,
  subject: `const subject: string = "pui_ada";`,
  clientId: `const clientId: string = "a-client";`,
  upstream: `import { pangeaAuthn as suppliedUpstream } from "pangea-authn-fastmcp";
const upstream = suppliedUpstream({
  issuerUrl: process.env.PANGEA_AUTHN_ISSUER_URL ?? "",
  clientId: process.env.PANGEA_AUTHN_CLIENT_ID ?? "",
  clientSecret: process.env.PANGEA_AUTHN_CLIENT_SECRET ?? "",
  scopes: ["user"],
});`,
};

/** What stands in the documents for something of the reader's own, and what the emulated Pangea has there. */
export function withEmulator(code: string): string {
  return code
    .replaceAll(/"https:\/\/pdn-….login.aws.us.pangea.cloud"/g, '(process.env.PANGEA_AUTHN_ISSUER_URL ?? "")')
    .replaceAll(/"psa_…"/g, '(process.env.PANGEA_AUTHN_CLIENT_ID ?? "")')
    .replaceAll('"Iv1.…"', '"Iv1.0123456789abcdef"')
    .replaceAll(
      /(createVaultRepositories\(PANGEA_VAULT_TOKEN|PangeaVaultRepository\(schema, PANGEA_VAULT_TOKEN), \{/g,
      '$1, { baseUrlTemplate: process.env.PANGEA_BASE_URL_TEMPLATE ?? "",',
    );
}

/**
 * What is looked at once a block has run, by words that tell which block it is: code that follows the block. A block that
 * opens something must be ended here, so that its process can end.
 */
export const afterwards: readonly (readonly [says: RegExp, code: string])[] = [
  [
    /app\.all\("\/mcp", requireBearer\(provider\), handleMcp\)/,
    `const listening = app.listen(0);
const { port } = Object(listening.address());
const metadata = await fetch(\`http://127.0.0.1:\${port}/.well-known/oauth-authorization-server\`);
const { issuer } = Object(await metadata.json());
if (issuer !== "https://mcp.example.org") throw new Error("no metadata");
const refused = await fetch(\`http://127.0.0.1:\${port}/mcp\`, { method: "POST" });
if (refused.status !== 401) throw new Error(\`/mcp answers \${refused.status}\`);
const invented = { authorization: \`Bearer pmcp_at_invented\` };
const guessed = await fetch(\`http://127.0.0.1:\${port}/mcp\`, { method: "POST", headers: invented });
if (guessed.status !== 401) throw new Error(\`/mcp answers \${guessed.status}\`);
listening.close();`,
  ],
  [
    /new RedisTrackingInvalidation\(redis\)/,
    `const written = { clientId: "c", scopes: ["user"], expiresAt: Date.now() / 1000 + 60 };
await repositories.accessTokens.set("sha256-a", written);
if ((await repositories.accessTokens.take("sha256-a"))?.clientId !== "c") throw new Error("not stored");
await repositories[Symbol.asyncDispose]();
await tracking[Symbol.asyncDispose]();
redis.disconnect();`,
  ],
  [
    /createRedisRepositories\(redis\);/,
    `const written = { clientId: "c", scopes: ["user"], expiresAt: Date.now() / 1000 + 60 };
await repositories.accessTokens.set("sha256-a", written);
if ((await repositories.accessTokens.take("sha256-a"))?.clientId !== "c") throw new Error("not stored");
await repositories[Symbol.asyncDispose]();
redis.destroy();`,
  ],
  [
    /new PostgresInvalidation\(pool/,
    `const written = { clientId: "c", scopes: ["user"], expiresAt: Date.now() / 1000 + 60 };
await repositories.accessTokens.set("sha256-a", written);
if ((await repositories.accessTokens.take("sha256-a"))?.clientId !== "c") throw new Error("not stored");
await repositories[Symbol.asyncDispose]();
await invalidation[Symbol.asyncDispose]();
await pool.end();`,
  ],
  [
    /new PangeaVaultRepository\(schema/,
    `const expiresAt = Math.floor(Date.now() / 1000) + 60;
await invitations.set("one", { email: "ada@example.com", expiresAt });
if ((await invitations.take("one"))?.email !== "ada@example.com") throw new Error("not stored");`,
  ],
  [
    /new SqlRepository\(schema, database, kind\)/,
    `const written = { clientId: "c", scopes: ["user"], expiresAt: Date.now() / 1000 + 60 };
await repositories.accessTokens.set("sha256-a", written);
if ((await repositories.accessTokens.take("sha256-a"))?.clientId !== "c") throw new Error("not stored");
database.close();`,
  ],
  [
    /inOneProcess\(new FileRepository/,
    `import { mkdirSync } from "node:fs";
mkdirSync("state");
const written = { clientId: "c", scopes: ["user"], expiresAt: Date.now() / 1000 + 60 };
if (!(await repositories.accessTokens.add("sha256-a", written))) throw new Error("not added");
if (await repositories.accessTokens.add("sha256-a", written)) throw new Error("added twice");
if ((await repositories.accessTokens.take("sha256-a"))?.clientId !== "c") throw new Error("not stored");
if ((await repositories.accessTokens.get("sha256-a")) !== undefined) throw new Error("still there");`,
  ],
  [/new McpOAuthProvider\(\{/, `if (!provider.serves("/authorize", "GET")) throw new Error("no endpoint");`],
  [
    /caller: \(\{ req \}\)/,
    `const answer = await app.request("https://mcp.example.org/.well-known/oauth-authorization-server");
if (answer.status !== 200) throw new Error(\`The metadata: \${answer.status}\`);`,
  ],
  [
    /const listener = protectMcp\(provider/,
    `import { createServer } from "node:http";
const server = createServer((request, response) => void listener(request, response));
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = Object(server.address());
const answer = await fetch(\`http://127.0.0.1:\${port}/mcp\`, { headers: { "x-real-ip": "203.0.113.9" } });
if (answer.status !== 401) throw new Error(\`/mcp answers \${answer.status}\`);
server.close();`,
  ],
];
