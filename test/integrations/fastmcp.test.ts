import { FastMCP } from "fastmcp";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { PangeaOAuthProvider } from "../../src/index.ts";
import { type FastMCPAuth, fastmcpAuthenticate, fastmcpCors, mountOnFastMCP } from "../../src/integrations/fastmcp.ts";
import { freePorts } from "../support/free-port.ts";
import { describeMount } from "../support/mount-suite.ts";
import type { OpenMount } from "../support/protected-server.ts";
import { providerOptions } from "../support/provider-harness.ts";
import { whoami } from "../support/whoami-server.ts";

const ports = freePorts();
const silent = { debug() {}, error() {}, info() {}, log() {}, warn() {} };

const openFastMCP =
  (stateless: boolean): OpenMount =>
  async (createProvider) => {
    const { value: port } = await ports.next();
    const baseUrl = `http://127.0.0.1:${port}`;
    const provider = await createProvider(baseUrl);
    const server = new FastMCP<FastMCPAuth>({
      name: "whoami",
      version: "1.0.0",
      logger: silent,
      authenticate: fastmcpAuthenticate(provider),
    });
    mountOnFastMCP(server, provider);
    server.addTool({ name: "whoami", execute: (_, { session }) => whoami(provider, session) });
    const httpStream = { host: "127.0.0.1", port, stateless, cors: fastmcpCors() };
    await server.start({ transportType: "httpStream", httpStream });
    return { baseUrl, [Symbol.asyncDispose]: () => server.stop() };
  };

// FastMCP's HTTP layer writes to the console whatever logger it has.
beforeAll(() => {
  vi.spyOn(console, "error").mockReturnValue();
  vi.spyOn(console, "log").mockReturnValue();
});

describeMount("the mount for FastMCP", openFastMCP(true));
describeMount("the mount for FastMCP with sessions", openFastMCP(false));

describe("a client in a browser", () => {
  const open = openFastMCP(true);
  const start = () =>
    open((mcpBaseUrl) => new PangeaOAuthProvider({ ...providerOptions("https://login.example"), mcpBaseUrl }));
  const origin = "https://client.example";
  const listed = (response: Response, name: string) => (response.headers.get(name) ?? "").toLowerCase().split(/ *, */);

  it.each([
    ["POST", "authorization,content-type,mcp-param-region"],
    ["POST", "authorization,x-a-header-of-its-own"],
    ["GET", "authorization,last-event-id"],
    ["DELETE", "authorization,mcp-session-id,mcp-protocol-version"],
  ])("may send a %s with %s", async (method, headers) => {
    await using server = await start();
    const asked = { "access-control-request-method": method, "access-control-request-headers": headers };
    const answer = await fetch(`${server.baseUrl}/mcp`, { method: "OPTIONS", headers: { origin, ...asked } });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe("*");
    // With credentials "*" would be the name of a header.
    expect(answer.headers.has("access-control-allow-credentials")).toBe(false);
    expect(listed(answer, "access-control-allow-methods")).toContain(method.toLowerCase());
    // "*" never stands for Authorization.
    expect(listed(answer, "access-control-allow-headers")).toEqual(expect.arrayContaining(["*", "authorization"]));
  });

  it("may read what it has to know of an answer", async () => {
    await using server = await start();
    const refusal = await fetch(`${server.baseUrl}/mcp`, { method: "POST", headers: { origin } });
    expect(refusal.status).toBe(401);
    const names = ["www-authenticate", "mcp-session-id", "retry-after"];
    expect(listed(refusal, "access-control-expose-headers")).toEqual(expect.arrayContaining(names));
  });
});
