import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { ConfigurationError } from "../../errors.ts";
import { protectMcp } from "../../integrations/node.ts";
import type { PangeaOAuthProvider } from "../../provider/pangea-oauth-provider.ts";
import type { AuthInfo } from "../../provider/tokens/access-token-verifier.ts";
import { startPage } from "./start-page.ts";

/** A running MCP server. */
export interface ProtectedServer extends AsyncDisposable {
  readonly baseUrl: string;
}

/**
 * Starts an MCP server with one tool, `whoami`, behind a provider. The provider needs the server's URL, which has its
 * port only once it listens; so the provider is made by a function of that URL.
 *
 * @param port - 0 for any free port.
 * @throws {ConfigurationError} when the port is taken.
 */
export async function startProtectedServer(
  port: number,
  createProvider: (baseUrl: string) => PangeaOAuthProvider,
): Promise<ProtectedServer> {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  await once(server, "listening").catch((cause: unknown) => {
    const message = `The demo cannot listen on port ${port}: choose another one by --port, or 0 for a free one.`;
    throw new ConfigurationError(message, { cause });
  });
  const baseUrl = `http://127.0.0.1:${addressOf(server.address()).port}`;
  const provider = createProvider(baseUrl);
  const protectedListener = protectMcp(provider, (request, response) => serveMcp(provider, request, response));
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    if (isVisitOfRoot(request)) showStartPage(baseUrl, response);
    else void protectedListener(request, response);
  });
  return {
    baseUrl,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A browser that somebody opens the server's address in. */
function isVisitOfRoot({ method, url, headers }: IncomingMessage): boolean {
  return method === "GET" && url === "/" && /text\/html/i.test(headers.accept ?? "");
}

function showStartPage(baseUrl: string, response: ServerResponse): void {
  const { status, headers, text } = startPage(baseUrl);
  response.writeHead(status, headers).end(text);
}

/** Answers one request of the MCP endpoint without a session, as the SDK recommends for servers without state. */
async function serveMcp(
  provider: PangeaOAuthProvider,
  request: IncomingMessage & { readonly auth?: AuthInfo },
  response: ServerResponse,
): Promise<void> {
  const mcp = new McpServer({ name: "demo", version: "1.0.0" });
  mcp.registerTool("whoami", { description: "Says who is calling, as Pangea AuthN knows them." }, async (extra) => {
    const user = await provider.pangeaToken(extra.authInfo);
    const name = user.email ?? user.username ?? user.subject ?? "somebody";
    return { content: [{ type: "text", text: `You are ${name}, logged in at Pangea AuthN.` }] };
  });
  const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
  response.once("close", () => void mcp.close());
  await mcp.connect(transport);
  await transport.handleRequest(request, response);
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === "string") throw new TypeError("the server does not listen on a port");
  return address;
}
