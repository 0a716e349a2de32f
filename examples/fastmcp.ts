import { FastMCP } from "fastmcp";
import { type FastMCPAuth, fastmcpAuthenticate, fastmcpCors, mountOnFastMCP } from "pangea-authn-fastmcp/fastmcp";
import { announce, createProvider, host, port } from "./settings.ts";
import { whoami } from "./whoami.ts";

const provider = await createProvider();
const server = new FastMCP<FastMCPAuth>({
  name: "whoami",
  version: "1.0.0",
  authenticate: fastmcpAuthenticate(provider),
});

mountOnFastMCP(server, provider);
server.addTool({
  name: "whoami",
  description: "Says who is calling.",
  execute: (_, { session }) => whoami(provider, session),
});

await server.start({ transportType: "httpStream", httpStream: { host, port, stateless: true, cors: fastmcpCors() } });
announce();
