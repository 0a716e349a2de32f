import { FastMCP } from "fastmcp";
import { beforeAll, vi } from "vitest";
import { type FastMCPAuth, fastmcpAuthenticate, mountOnFastMCP } from "../../src/integrations/fastmcp.ts";
import { freePorts } from "../support/free-port.ts";
import { describeMount } from "../support/mount-suite.ts";
import type { OpenMount } from "../support/protected-server.ts";
import { whoami } from "../support/whoami-server.ts";

const ports = freePorts();
const silent = { debug() {}, error() {}, info() {}, log() {}, warn() {} };

const openFastMCP =
  (stateless: boolean): OpenMount =>
  async (createProvider) => {
    const { value: port } = await ports.next();
    const baseUrl = `http://127.0.0.1:${port}`;
    const provider = createProvider(baseUrl);
    const server = new FastMCP<FastMCPAuth>({
      name: "whoami",
      version: "1.0.0",
      logger: silent,
      authenticate: fastmcpAuthenticate(provider),
    });
    mountOnFastMCP(server, provider);
    server.addTool({ name: "whoami", execute: (_, { session }) => whoami(provider, session) });
    await server.start({ transportType: "httpStream", httpStream: { host: "127.0.0.1", port, stateless } });
    return { baseUrl, [Symbol.asyncDispose]: () => server.stop() };
  };

// FastMCP's HTTP layer writes to the console whatever logger it has.
beforeAll(() => {
  vi.spyOn(console, "error").mockReturnValue();
  vi.spyOn(console, "log").mockReturnValue();
});

describeMount("the mount for FastMCP", openFastMCP(true));
describeMount("the mount for FastMCP with sessions", openFastMCP(false));
