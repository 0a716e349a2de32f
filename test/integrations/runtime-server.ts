/**
 * An MCP server on Hono, for Bun and Deno: the runtime that runs this file serves it. The tests start it in a process of its
 * own, with its upstream and the port in its environment.
 */
import { Hono } from "hono";
import { z } from "zod";
import { McpOAuthProvider } from "../../src/index.ts";
import { type AuthenticatedEnv, pangeaAuth, requireBearer } from "../../src/integrations/hono.ts";
import { upstreamAt } from "../support/upstream-at.ts";
import { createWhoamiHandlerV2 } from "../support/whoami-server.ts";

/** What Bun and Deno have and Node.js has not. */
interface Runtimes {
  readonly Bun?: {
    serve(settings: { hostname: string; port: number; fetch: Hono<AuthenticatedEnv>["fetch"] }): unknown;
  };
  readonly Deno?: {
    serve(settings: { hostname: string; port: number }, fetch: Hono<AuthenticatedEnv>["fetch"]): unknown;
  };
}

const environment = z.object({
  UPSTREAM: z.enum(["Pangea AuthN", "OpenID Connect", "OAuth 2.0"]),
  UPSTREAM_URL: z.string(),
  PORT: z.coerce.number(),
  AUTHORIZE_REQUESTS: z.coerce.number(),
});
const { UPSTREAM, UPSTREAM_URL, PORT: port, AUTHORIZE_REQUESTS: requests } = environment.parse(process.env);
const hostname = "127.0.0.1";
const provider = new McpOAuthProvider({
  baseUrl: `http://${hostname}:${port}`,
  scopes: ["user", "admin"],
  secret: "a secret of this server, which is long enough",
  upstream: upstreamAt(UPSTREAM, UPSTREAM_URL),
  logger: false,
  rateLimits: { perCaller: { authorize: { requests, perSeconds: 3600 } } },
});
const mcp = createWhoamiHandlerV2(provider);
const app = new Hono<AuthenticatedEnv>();
app.use(pangeaAuth(provider));
app.all("/mcp", requireBearer(provider), (c) => mcp.fetch(c.req.raw, { authInfo: c.get("auth") }));

const { Bun, Deno }: Runtimes & typeof globalThis = globalThis;
const { fetch } = app;
if (Bun !== undefined) Bun.serve({ hostname, port, fetch });
else if (Deno !== undefined) Deno.serve({ hostname, port }, fetch);
else throw new Error("This file is for Bun and Deno.");
console.log("The server listens.");
