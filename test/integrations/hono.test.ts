import { getRequestListener } from "@hono/node-server";
import { createMcpHonoApp } from "@modelcontextprotocol/hono";
import { Hono } from "hono";
import type { McpOAuthProvider } from "../../src/index.ts";
import { type AuthenticatedEnv, pangeaAuth, requireBearer } from "../../src/integrations/hono.ts";
import { describeMount } from "../support/mount-suite.ts";
import { onNodeServer } from "../support/protected-server.ts";
import { createWhoamiHandlerV2 } from "../support/whoami-server.ts";

function plain(provider: McpOAuthProvider): Hono<AuthenticatedEnv> {
  const app = new Hono<AuthenticatedEnv>();
  const mcp = createWhoamiHandlerV2(provider);
  app.use(pangeaAuth(provider));
  app.use("/mcp", requireBearer(provider));
  app.all("/mcp", (c) => mcp.fetch(c.req.raw, { authInfo: c.get("auth") }));
  return app;
}

function withSdkV2(provider: McpOAuthProvider): Hono {
  const app = createMcpHonoApp();
  const mcp = createWhoamiHandlerV2(provider);
  app.use(pangeaAuth(provider));
  app.all("/mcp", requireBearer(provider), (c) => mcp.fetch(c.req.raw, { authInfo: c.get("auth") }));
  return app;
}

function behindBodyReader(provider: McpOAuthProvider): Hono<AuthenticatedEnv> {
  const app = new Hono<AuthenticatedEnv>();
  const mcp = createWhoamiHandlerV2(provider);
  app.use(async (c, next) => {
    // As validators and loggers do.
    if (c.req.method === "POST") await (c.req.path === "/token" ? c.req.parseBody() : c.req.text());
    await next();
  });
  app.onError((_, c) => c.text("The body could not be read.", 400));
  app.use(pangeaAuth(provider));
  app.use("/mcp", requireBearer(provider));
  app.all("/mcp", async (c) => mcp.fetch(c.req.raw, { authInfo: c.get("auth"), parsedBody: await c.req.json() }));
  return app;
}

const listener = (app: { fetch: Hono["fetch"] }) => {
  const listen = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  return (...parameters: Parameters<typeof listen>) => void listen(...parameters);
};

describeMount(
  "the mount for Hono",
  onNodeServer((provider) => listener(plain(provider))),
);
describeMount(
  "the mount for Hono in an application of the MCP SDK v2",
  onNodeServer((provider) => listener(withSdkV2(provider))),
);
describeMount(
  "the mount for Hono behind a reader of bodies",
  onNodeServer((provider) => listener(behindBodyReader(provider))),
);
