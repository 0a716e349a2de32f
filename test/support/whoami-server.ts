import type { IncomingMessage, ServerResponse } from "node:http";
import type { AuthInfo } from "@modelcontextprotocol/sdk/server/auth/types.js";
import { McpServer as McpServerV1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { createMcpHandler, McpServer as McpServerV2 } from "@modelcontextprotocol/server";
import type { McpOAuthProvider } from "../../src/index.ts";

const description = "Says who is calling, as the upstream knows them.";

/** What the tool asks. */
type Asked = Pick<McpOAuthProvider, "upstreamToken">;

/** What the tool `whoami` says: the e-mail address and the kind of upstream token of whoever is calling. */
export async function whoami(provider: Asked, auth: { readonly token: string } | undefined): Promise<string> {
  if (auth === undefined) return "nobody";
  const user = await provider.upstreamToken(auth);
  return `${user.email ?? user.username ?? user.subject} ${user.token.slice(0, 4)}`;
}

/** Answers one request of an MCP endpoint without sessions, with SDK v1. */
export async function serveWhoamiV1(
  provider: Asked,
  request: IncomingMessage & { auth?: AuthInfo; readonly body?: unknown },
  response: ServerResponse,
): Promise<void> {
  const server = new McpServerV1({ name: "whoami", version: "1.0.0" });
  server.registerTool("whoami", { description }, async (extra) => ({
    content: [{ type: "text", text: await whoami(provider, extra.authInfo) }],
  }));
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  response.once("close", () => void server.close());
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
}

/** A Web-standard MCP endpoint with SDK v2: `handler.fetch(request, { authInfo })`. */
export function createWhoamiHandlerV2(provider: Asked) {
  return createMcpHandler(() => {
    const server = new McpServerV2({ name: "whoami", version: "1.0.0" });
    server.registerTool("whoami", { description }, async (context) => ({
      content: [{ type: "text", text: await whoami(provider, context.http?.authInfo) }],
    }));
    return server;
  });
}
