import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import { FastMCP } from "fastmcp";
import { Hono } from "hono";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { PangeaOAuthProvider } from "../../src/index.ts";
import * as onExpress from "../../src/integrations/express.ts";
import { type FastMCPAuth, fastmcpAuthenticate, mountOnFastMCP } from "../../src/integrations/fastmcp.ts";
import * as onHono from "../../src/integrations/hono.ts";
import * as onNode from "../../src/integrations/node.ts";
import type { PathMapping } from "../../src/integrations/public-path.ts";
import { BrowserSession } from "../support/browser-session.ts";
import { freePorts } from "../support/free-port.ts";
import { jsonOf } from "../support/json-of.ts";
import { initializeRequest, obtainTokens } from "../support/mount-suite.ts";
import { startNginx } from "../support/nginx.ts";
import { providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();
const ports = freePorts();
const nextPort = async (): Promise<number> => (await ports.next()).value;

/** Serves a provider on a port, with the MCP endpoint at a path as requests for it arrive. */
type Serve = (
  provider: PangeaOAuthProvider,
  place: { readonly port: number; readonly mcpPath: string; readonly mapping: PathMapping },
) => Promise<AsyncDisposable>;

async function listening(port: number, listener: RequestListener): Promise<AsyncDisposable> {
  const server = createServer(listener).listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const mounts: readonly (readonly [name: string, serve: Serve])[] = [
  [
    "Express",
    (provider, { port, mcpPath, mapping }) => {
      const app = express();
      app.use(onExpress.pangeaAuth(provider, mapping));
      app.all(mcpPath, onExpress.requireBearer(provider), (_, response) => void response.send("in"));
      return listening(port, app);
    },
  ],
  [
    "Hono",
    (provider, { port, mcpPath, mapping }) => {
      const app = new Hono<onHono.AuthenticatedEnv>();
      app.use(onHono.pangeaAuth(provider, mapping));
      app.all(mcpPath, onHono.requireBearer(provider), (c) => c.text("in"));
      const listen = getRequestListener(app.fetch, { overrideGlobalObjects: false });
      return listening(port, (...parameters) => void listen(...parameters));
    },
  ],
  [
    "node:http",
    (provider, { port, mapping }) =>
      listening(
        port,
        onNode.protectMcp(provider, (_, response) => response.end("in"), mapping),
      ),
  ],
  [
    "FastMCP",
    async (provider, { port, mcpPath, mapping }) => {
      const silent = { debug() {}, error() {}, info() {}, log() {}, warn() {} };
      const authenticate = fastmcpAuthenticate(provider);
      const server = new FastMCP<FastMCPAuth>({ name: "whoami", version: "1.0.0", logger: silent, authenticate });
      mountOnFastMCP(server, provider, mapping);
      const httpStream = { host: "127.0.0.1", port, stateless: true, endpoint: `/${mcpPath.slice(1)}` as const };
      await server.start({ transportType: "httpStream", httpStream });
      return { [Symbol.asyncDispose]: () => server.stop() };
    },
  ],
];

/** What proxies do to paths: what the public URL has, what nginx passes on, and what the mount has to be told. */
const proxies = [
  {
    name: "keeps the prefix",
    publicPath: "/prefix",
    locations: (to: string) => `location / { proxy_pass ${to}; }`,
    mcpPath: "/prefix/mcp",
    mapping: {},
  },
  {
    name: "strips the prefix",
    publicPath: "/prefix",
    locations: (to: string) => `location /prefix/ { proxy_pass ${to}/; } location /.well-known/ { proxy_pass ${to}; }`,
    mcpPath: "/mcp",
    mapping: { removedPrefix: "/prefix" },
  },
  {
    name: "adds a prefix",
    publicPath: "",
    locations: (to: string) => `location / { proxy_pass ${to}/internal/; }`,
    mcpPath: "/internal/mcp",
    mapping: { addedPrefix: "/internal/" },
  },
  {
    name: "strips one prefix and adds another",
    publicPath: "/prefix",
    locations: (to: string) =>
      `location /prefix/ { proxy_pass ${to}/internal/; } location /.well-known/ { proxy_pass ${to}; }`,
    mcpPath: "/internal/mcp",
    mapping: { removedPrefix: "/prefix", addedPrefix: "/internal" },
  },
] as const;

/** Serves a provider behind nginx; keeps what its log is told. */
async function behind(proxy: (typeof proxies)[number], serve: Serve, mapping: PathMapping = proxy.mapping) {
  const [publicPort, port] = [await nextPort(), await nextPort()];
  const baseUrl = `http://127.0.0.1:${publicPort}${proxy.publicPath}`;
  const warnings: string[] = [];
  const tell = (text: unknown) => void warnings.push(String(text));
  const logger = { debug() {}, info() {}, warn: tell, error: tell };
  const provider = new PangeaOAuthProvider({ ...providerOptions(emulator.issuerUrl), mcpBaseUrl: baseUrl, logger });
  const server = await serve(provider, { port, mcpPath: proxy.mcpPath, mapping });
  const nginx = await startNginx(publicPort, proxy.locations(`http://127.0.0.1:${port}`));
  return {
    baseUrl,
    warnings,
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

// FastMCP's HTTP layer writes to the console whatever logger it has.
beforeAll(() => {
  vi.spyOn(console, "error").mockReturnValue();
  vi.spyOn(console, "log").mockReturnValue();
});

describe.each(proxies)("behind an nginx that $name", (proxy) => {
  it.each(mounts)("a person logs in, and a client gets through, with the mount for %s", async (_, serve) => {
    await using server = await behind(proxy, serve);
    const refusal = await initializeRequest(`${server.baseUrl}/mcp`);
    expect(refusal.status).toBe(401);
    const metadataUrl = /resource_metadata="([^"]+)"/.exec(refusal.headers.get("www-authenticate") ?? "")?.[1] ?? "";
    const resource = await jsonOf(await fetch(metadataUrl));
    expect(resource.resource).toBe(`${server.baseUrl}/mcp`);
    const { origin } = new URL(server.baseUrl);
    const metadata = await jsonOf(await fetch(`${origin}/.well-known/oauth-authorization-server${proxy.publicPath}`));
    expect(metadata).toMatchObject({ issuer: server.baseUrl, token_endpoint: `${server.baseUrl}/token` });
    const { accessToken } = await obtainTokens(server.baseUrl, "user");
    const answer = await initializeRequest(`${server.baseUrl}/mcp`, accessToken);
    expect(answer.status).toBe(200);
    await seesWhatWasAllowed(server.baseUrl);
    expect(server.warnings).toEqual([]);
  });
});

/** Signs in to the account page as the page's own forms and links lead. */
async function seesWhatWasAllowed(baseUrl: string): Promise<void> {
  const browser = new BrowserSession();
  const { origin } = new URL(baseUrl);
  const [, action = ""] = /<form [^>]*action="([^"]+)"/.exec(await read(browser, `${baseUrl}/account`)) ?? [];
  const body = new URLSearchParams({ action: "sign-in" });
  const begun = await browser.fetch(origin + action, { method: "POST", headers: { origin }, body });
  const callback = await browser.login(begun.headers.get("location") ?? "", {
    username: "ada@example.com",
    password: "password",
  });
  const answer = await browser.fetch(callback);
  expect(answer.headers.get("location")).toBe(`${baseUrl}/account`);
  expect(await read(browser, `${baseUrl}/account`)).toContain("What you have allowed");
}

async function read(browser: BrowserSession, url: string): Promise<string> {
  const response = await browser.fetch(url);
  expect(response.status).toBe(200);
  return response.text();
}

describe.each(mounts)("what cannot work says so at the first request, with the mount for %s", (_, serve) => {
  it("where the proxy strips the prefix, and nobody has said so", async () => {
    await using server = await behind(proxies[1], serve, {});
    await initializeRequest(`${server.baseUrl}/mcp`);
    expect(server.warnings).toEqual([expect.stringContaining("/mcp")]);
    const [warning = ""] = server.warnings;
    for (const part of [server.baseUrl, 'removedPrefix: "/prefix"', "#path-prefix"]) expect(warning).toContain(part);
    await fetch(`${server.baseUrl}/register`, { method: "POST" });
    expect(server.warnings).toHaveLength(1);
  });

  it("where the proxy adds a prefix, and nobody has said so", async () => {
    await using server = await behind(proxies[2], serve, {});
    await initializeRequest(`${server.baseUrl}/mcp`);
    const [warning = "", ...others] = server.warnings;
    expect(others).toEqual([]);
    for (const part of ["/internal/mcp", server.baseUrl, 'addedPrefix: "/internal"']) expect(warning).toContain(part);
  });
});

describe("a mount in a router of Express", () => {
  it.each([
    ["whose path the base URL has", "/prefix"],
    ["whose path the base URL lacks", ""],
  ])("%s says that clients find no metadata there", async (_, publicPath) => {
    const warnings: string[] = [];
    const tell = (text: unknown) => void warnings.push(String(text));
    const port = await nextPort();
    const mcpBaseUrl = `http://127.0.0.1:${port}${publicPath}`;
    const logger = { debug() {}, info() {}, warn: tell, error: tell };
    const provider = new PangeaOAuthProvider({ ...providerOptions(emulator.issuerUrl), mcpBaseUrl, logger });
    const app = express();
    app.use("/prefix", onExpress.pangeaAuth(provider));
    await using _server = await listening(port, app);
    await fetch(`http://127.0.0.1:${port}/prefix/authorize`);
    expect(warnings[0]).toMatch(
      /mounted under \/prefix.*\.well-known\/oauth-authorization-server.*#mounted-under-a-path/,
    );
  });

  it("works where the endpoints' own router is one of two mounts", async () => {
    const warnings: string[] = [];
    const tell = (text: unknown) => void warnings.push(String(text));
    const port = await nextPort();
    const mcpBaseUrl = `http://127.0.0.1:${port}/prefix`;
    const logger = { debug() {}, info() {}, warn: tell, error: tell };
    const provider = new PangeaOAuthProvider({ ...providerOptions(emulator.issuerUrl), mcpBaseUrl, logger });
    const app = express();
    app.use(onExpress.pangeaAuth(provider));
    app.all("/prefix/mcp", onExpress.requireBearer(provider), (_, response) => void response.send("in"));
    await using _server = await listening(port, app);
    const { accessToken } = await obtainTokens(mcpBaseUrl, "user");
    expect((await initializeRequest(`${mcpBaseUrl}/mcp`, accessToken)).status).toBe(200);
    expect(warnings).toEqual([]);
  });
});
