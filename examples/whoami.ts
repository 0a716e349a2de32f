import type { IncomingMessage, ServerResponse } from "node:http";
import type { AuthInfo } from "@modelcontextprotocol/sdk/server/auth/types.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import type { PangeaOAuthProvider } from "pangea-authn-fastmcp";

/** Says who is calling, as Pangea AuthN knows them: the work of the one tool of every example. */
export async function whoami(
  provider: PangeaOAuthProvider,
  auth?: Parameters<PangeaOAuthProvider["pangeaToken"]>[0],
): Promise<string> {
  const user = await provider.pangeaToken(auth);
  return `You are ${user.email ?? user.username ?? user.subject}.`;
}

/** Answers one request to an MCP server with the tool `whoami`, without sessions. The guard has set `auth`. */
export async function serveWhoami(
  provider: PangeaOAuthProvider,
  request: IncomingMessage & { auth?: AuthInfo },
  response: ServerResponse,
): Promise<void> {
  const server = new McpServer({ name: "whoami", version: "1.0.0" });
  server.registerTool("whoami", { description: "Says who is calling." }, async ({ authInfo }) => ({
    content: [{ type: "text", text: await whoami(provider, authInfo) }],
  }));
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  response.once("close", () => void server.close());
  await server.connect(transport);
  await transport.handleRequest(request, response);
}
