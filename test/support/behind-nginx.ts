import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import { FastMCP } from "fastmcp";
import { Hono } from "hono";
import { expect } from "vitest";
import { PangeaOAuthProvider } from "../../src/index.ts";
import * as onExpress from "../../src/integrations/express.ts";
import { type FastMCPAuth, fastmcpAuthenticate, mountOnFastMCP } from "../../src/integrations/fastmcp.ts";
import * as onHono from "../../src/integrations/hono.ts";
import * as onNode from "../../src/integrations/node.ts";
import type { PathMapping } from "../../src/integrations/public-path.ts";
import { BrowserSession } from "./browser-session.ts";
import { freePorts } from "./free-port.ts";
import { jsonOf } from "./json-of.ts";
import { initializeRequest, obtainTokens } from "./mount-suite.ts";
import { type NginxCertificate, startNginx } from "./nginx.ts";
import { providerOptions } from "./provider-harness.ts";

const ports = freePorts();

/** A port for a server of a test. */
export const nextPort = async (): Promise<number> => (await ports.next()).value;

/** Serves a provider on a port, with the MCP endpoint at a path as requests for it arrive. */
type Serve = (
  provider: PangeaOAuthProvider,
  place: { readonly port: number; readonly mcpPath: string; readonly mapping: PathMapping },
) => Promise<AsyncDisposable>;

/** Listens on loopback, until it is disposed of. */
export async function listening(port: number, listener: RequestListener): Promise<AsyncDisposable> {
  const server = createServer(listener).listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Every mount, with its name. */
export const mounts: readonly (readonly [name: string, serve: Serve])[] = [
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

/** What a proxy does to paths: what the public URL has, what nginx passes on, and what the mount has to be told. */
export interface ReverseProxy {
  readonly name: string;
  readonly publicPath: string;
  /** The `location` blocks, for a server at this URL. */
  readonly locations: (to: string) => string;
  /** The path of the MCP endpoint as requests for it arrive. */
  readonly mcpPath: string;
  readonly mapping: PathMapping;
  /** Where the proxy ends https. */
  readonly certificate?: NginxCertificate;
}

/** A provider behind an nginx. */
interface ProxiedServer extends AsyncDisposable {
  readonly baseUrl: string;
  /** What its log was told. */
  readonly warnings: readonly string[];
}

/** Serves a provider behind nginx; keeps what its log is told. */
export async function behindNginx(
  issuerUrl: string,
  proxy: ReverseProxy,
  serve: Serve,
  mapping: PathMapping = proxy.mapping,
): Promise<ProxiedServer> {
  const [publicPort, port] = [await nextPort(), await nextPort()];
  const scheme = proxy.certificate === undefined ? "http" : "https";
  const baseUrl = `${scheme}://127.0.0.1:${publicPort}${proxy.publicPath}`;
  const { warnings, logger } = recordingLog();
  const provider = new PangeaOAuthProvider({ ...providerOptions(issuerUrl), mcpBaseUrl: baseUrl, logger });
  await using parts = new AsyncDisposableStack();
  parts.use(await serve(provider, { port, mcpPath: proxy.mcpPath, mapping }));
  parts.use(await startNginx(publicPort, proxy.locations(`http://127.0.0.1:${port}`), proxy.certificate));
  const started = parts.move();
  return { baseUrl, warnings, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

/** A logger that keeps what an operator should read. */
export function recordingLog() {
  const warnings: string[] = [];
  const tell = (text: unknown) => void warnings.push(String(text));
  return { warnings, logger: { debug() {}, info() {}, warn: tell, error: tell } };
}

/** A client finds its way from the refusal to the metadata, a person logs in, and the client gets through. */
export async function getsThrough({ baseUrl, warnings }: ProxiedServer): Promise<void> {
  const refusal = await initializeRequest(`${baseUrl}/mcp`);
  expect(refusal.status).toBe(401);
  const metadataUrl = /resource_metadata="([^"]+)"/.exec(refusal.headers.get("www-authenticate") ?? "")?.[1] ?? "";
  const resource = await jsonOf(await fetch(metadataUrl));
  expect(resource.resource).toBe(`${baseUrl}/mcp`);
  const { origin, pathname } = new URL(baseUrl);
  const metadata = await jsonOf(
    await fetch(`${origin}/.well-known/oauth-authorization-server${pathname === "/" ? "" : pathname}`),
  );
  expect(metadata).toMatchObject({ issuer: baseUrl, token_endpoint: `${baseUrl}/token` });
  const { accessToken } = await obtainTokens(baseUrl, "user");
  expect((await initializeRequest(`${baseUrl}/mcp`, accessToken)).status).toBe(200);
  await seesWhatWasAllowed(baseUrl);
  expect(warnings).toEqual([]);
}

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
