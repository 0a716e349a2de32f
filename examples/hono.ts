import { serve } from "@hono/node-server";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import { Hono } from "hono";
import { pangeaAuth, requireBearer } from "pangea-authn-fastmcp/hono";
import { announce, createProvider, host, port } from "./settings.ts";
import { whoami } from "./whoami.ts";

const provider = await createProvider();
const mcp = createMcpHandler(() => {
  const server = new McpServer({ name: "whoami", version: "1.0.0" });
  server.registerTool("whoami", { description: "Says who is calling." }, async ({ http }) => ({
    content: [{ type: "text", text: await whoami(provider, http?.authInfo) }],
  }));
  return server;
});
const app = new Hono();

app.use(pangeaAuth(provider));
app.all("/mcp", requireBearer(provider), (c) => mcp.fetch(c.req.raw, { authInfo: c.get("auth") }));

serve({ fetch: app.fetch, hostname: host, port }, announce);
