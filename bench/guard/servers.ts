import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { requireBearerAuth } from "@modelcontextprotocol/express";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import express from "express";
import { FastMCP } from "fastmcp";
import { OAuthProvider as FastMCPOAuthProvider } from "fastmcp/auth";
import { requireBearer as expressBearer } from "../../src/integrations/express.ts";
import { fastmcpAuthenticate } from "../../src/integrations/fastmcp.ts";
import { requireBearer as nodeBearer } from "../../src/integrations/node.ts";
import { cachedProvider, warmTokens } from "../warm-token.ts";
import { mapVerifier } from "./map-verifier.ts";
import { workersOAuthProvider } from "./workers-oauth-provider.ts";

/** A server that listens: its port, and a token that opens it. */
interface Started {
  readonly port: number;
  readonly token: string;
}

const origin = "http://localhost:3000";
const redirectUri = "http://localhost:4000/callback";
const codeVerifier = "a-code-verifier-that-has-forty-three-characters-or-more";
const noToken = "none";

/** The same MCP server, with one tool, behind each guard. */
const mcp = createMcpHandler(() => {
  const server = new McpServer({ name: "ping", version: "1.0.0" });
  server.registerTool("ping", { description: "Answers." }, async () => ({ content: [{ type: "text", text: "pong" }] }));
  return server;
});
const sdkHandler = toNodeHandler(mcp);
/** A request that a server has received has method and URL, which `IncomingMessage` does not say. */
const mcpOnNode = (request: IncomingMessage, response: ServerResponse) =>
  sdkHandler(Object.assign(request, { method: request.method ?? "", url: request.url ?? "" }), response);

/** It would write a line for every call. */
const silent = { debug: ignore, error: ignore, info: ignore, log: ignore, warn: ignore };
const fastmcpOptions = { name: "ping", version: "1.0.0", logger: silent } as const;

function ignore(): void {}

async function ours() {
  const { provider, repositories } = cachedProvider(origin);
  const [authInfo] = await warmTokens(provider, repositories, 1_000);
  return { provider, token: authInfo?.token ?? noToken };
}

/** Every contender, by the framework that it is in and its guard. */
export const servers = {
  "node, no guard": () => listening((request, response) => void mcpOnNode(request, response), noToken),
  "node, ours": async () => {
    const { provider, token } = await ours();
    const guarded = nodeBearer(provider, (request, response) => mcpOnNode(request, response));
    return listening((request, response) => void guarded(request, response), token);
  },
  "express, no guard": () => listening(onExpress(), noToken),
  "express, ours": async () => {
    const { provider, token } = await ours();
    return listening(onExpress(expressBearer(provider)), token);
  },
  "express, SDK v2 over a Map": () => {
    const { token, verifier } = mapVerifier();
    const guard = requireBearerAuth({ verifier, requiredScopes: ["user"] });
    return listening(onExpress(guard), token);
  },
  "fetch, no guard": () =>
    listening(
      getRequestListener((request) => mcp.fetch(request)),
      noToken,
    ),
  "fetch, ours": async () => {
    const { provider, token } = await ours();
    const fetch = async (request: Request): Promise<Response> => {
      const authInfo = await provider.authenticate(request);
      return authInfo instanceof Response ? authInfo : mcp.fetch(request, { authInfo });
    };
    return listening(getRequestListener(fetch), token);
  },
  "fetch, workers-oauth-provider": async () => {
    // It compares where a request arrives with what the token is for.
    const port = await freePort();
    const here = `http://127.0.0.1:${port}`;
    const { fetch, token } = await workersOAuthProvider(here, (request) => mcp.fetch(request));
    return listening(getRequestListener(fetch), token, port);
  },
  "fastmcp, no guard": () => listeningFastMCP(new FastMCP({ ...fastmcpOptions }), noToken),
  "fastmcp, ours": async () => {
    const { provider, token } = await ours();
    const authenticate = fastmcpAuthenticate(provider);
    return listeningFastMCP(new FastMCP({ ...fastmcpOptions, authenticate }), token);
  },
  "fastmcp, its OAuthProxy": async () => {
    const auth = new FastMCPOAuthProvider({
      baseUrl: origin,
      clientId: "app",
      clientSecret: "secret",
      authorizationEndpoint: "https://login.example.org/authorize",
      tokenEndpoint: "https://login.example.org/token",
      scopes: ["user"],
      consentRequired: false,
      allowedRedirectUriPatterns: [redirectUri],
    });
    const token = await logInAtProxy(auth.getProxy());
    return listeningFastMCP(new FastMCP({ ...fastmcpOptions, auth }), token);
  },
} satisfies Record<string, () => Promise<Started>>;

function onExpress(guard?: express.RequestHandler): RequestListener {
  const app = express();
  if (guard !== undefined) app.use("/mcp", guard);
  app.all("/mcp", (request, response) => mcpOnNode(request, response));
  return app;
}

async function listening(listener: RequestListener, token: string, port = 0): Promise<Started> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return { port: portOf(server), token };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return address.port;
}

async function listeningFastMCP<T extends Record<string, unknown> | undefined>(
  server: FastMCP<T>,
  token: string,
): Promise<Started> {
  server.addTool({ name: "ping", description: "Answers.", execute: async () => "pong" });
  // FastMCP does not say which port it was given.
  const port = await freePort();
  await server.start({ transportType: "httpStream", httpStream: { host: "127.0.0.1", port, stateless: true } });
  return { port, token };
}

/** A login at FastMCP's proxy from end to end, with an upstream that answers at once. */
async function logInAtProxy(proxy: ReturnType<FastMCPOAuthProvider["getProxy"]>): Promise<string> {
  const { client_id, client_secret } = await proxy.registerClient({ redirect_uris: [redirectUri] });
  const toUpstream = await proxy.authorize({
    client_id,
    response_type: "code",
    redirect_uri: redirectUri,
    code_challenge: createHash("sha256").update(codeVerifier).digest("base64url"),
    code_challenge_method: "S256",
    scope: "user",
    state: "state",
  });
  const state = locationOf(toUpstream).searchParams.get("state") ?? "";
  const cookie = toUpstream.headers
    .getSetCookie()
    .map((value) => value.split(";")[0])
    .join("; ");
  const network = globalThis.fetch;
  globalThis.fetch = async () => Response.json({ access_token: "upstream", expires_in: 86_400, token_type: "Bearer" });
  try {
    const callback = new Request(`${origin}/oauth/callback?code=code&state=${state}`, { headers: { cookie } });
    const code = locationOf(await proxy.handleCallback(callback)).searchParams.get("code") ?? "";
    const tokens = await proxy.exchangeAuthorizationCode({
      client_id,
      ...(client_secret !== undefined && { client_secret }),
      code,
      code_verifier: codeVerifier,
      grant_type: "authorization_code",
      redirect_uri: redirectUri,
    });
    return tokens.access_token;
  } finally {
    globalThis.fetch = network;
  }
}

function locationOf(response: Response): URL {
  const location = response.headers.get("location");
  if (location === null) throw new Error(`A redirect was expected and ${response.status} came.`);
  return new URL(location);
}
