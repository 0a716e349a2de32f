import express from "express";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { PangeaOAuthProvider } from "../../src/index.ts";
import * as onExpress from "../../src/integrations/express.ts";
import {
  behindNginx,
  getsThrough,
  listening,
  mounts,
  nextPort,
  type ReverseProxy,
  recordingLog,
} from "../support/behind-nginx.ts";
import { initializeRequest, obtainTokens } from "../support/mount-suite.ts";
import { providerOptions } from "../support/provider-harness.ts";
import { useEmulator } from "../support/use-emulator.ts";

const emulator = useEmulator();

/** What proxies do to paths: what the public URL has, what nginx passes on, and what the mount has to be told. */
const proxies: Record<"keeps" | "strips" | "adds" | "both", ReverseProxy> = {
  keeps: {
    name: "keeps the prefix",
    publicPath: "/prefix",
    locations: (to: string) => `location / { proxy_pass ${to}; }`,
    mcpPath: "/prefix/mcp",
    mapping: {},
  },
  strips: {
    name: "strips the prefix",
    publicPath: "/prefix",
    locations: (to: string) => `location /prefix/ { proxy_pass ${to}/; } location /.well-known/ { proxy_pass ${to}; }`,
    mcpPath: "/mcp",
    mapping: { removedPrefix: "/prefix" },
  },
  adds: {
    name: "adds a prefix",
    publicPath: "",
    locations: (to: string) => `location / { proxy_pass ${to}/internal/; }`,
    mcpPath: "/internal/mcp",
    mapping: { addedPrefix: "/internal/" },
  },
  both: {
    name: "strips one prefix and adds another",
    publicPath: "/prefix",
    locations: (to: string) =>
      `location /prefix/ { proxy_pass ${to}/internal/; } location /.well-known/ { proxy_pass ${to}; }`,
    mcpPath: "/internal/mcp",
    mapping: { removedPrefix: "/prefix", addedPrefix: "/internal" },
  },
};

// FastMCP's HTTP layer writes to the console whatever logger it has.
beforeAll(() => {
  vi.spyOn(console, "error").mockReturnValue();
  vi.spyOn(console, "log").mockReturnValue();
});

describe.each(Object.values(proxies))("behind an nginx that $name", (proxy) => {
  it.each(mounts)("a person logs in, and a client gets through, with the mount for %s", async (_, serve) => {
    await using server = await behindNginx(emulator.issuerUrl, proxy, serve);
    await getsThrough(server);
  });
});

describe.each(mounts)("what cannot work says so at the first request, with the mount for %s", (_, serve) => {
  it("where the proxy strips the prefix, and nobody has said so", async () => {
    await using server = await behindNginx(emulator.issuerUrl, proxies.strips, serve, {});
    await initializeRequest(`${server.baseUrl}/mcp`);
    expect(server.warnings).toEqual([expect.stringContaining("/mcp")]);
    const [warning = ""] = server.warnings;
    for (const part of [server.baseUrl, 'removedPrefix: "/prefix"', "#path-prefix"]) expect(warning).toContain(part);
    await fetch(`${server.baseUrl}/register`, { method: "POST" });
    expect(server.warnings).toHaveLength(1);
  });

  it("where the proxy adds a prefix, and nobody has said so", async () => {
    await using server = await behindNginx(emulator.issuerUrl, proxies.adds, serve, {});
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
    const { warnings, logger } = recordingLog();
    const port = await nextPort();
    const mcpBaseUrl = `http://127.0.0.1:${port}${publicPath}`;
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
    const { warnings, logger } = recordingLog();
    const port = await nextPort();
    const mcpBaseUrl = `http://127.0.0.1:${port}/prefix`;
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
