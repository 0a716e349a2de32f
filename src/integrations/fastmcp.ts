import type { IncomingMessage } from "node:http";
import { requireMethods } from "../option-checks.ts";
import { crossOrigin, mcpMethods, usualHeaders } from "../provider/http/responses.ts";
import type { AuthInfo } from "../provider/tokens/access-token-verifier.ts";
import { type HonoContext, type HonoMiddleware, pangeaAuth } from "./hono.ts";
import {
  type AuthorizationServer,
  type BearerAuthenticator,
  demandOf,
  type GuardOptions,
  type MountOptions,
  requireGuarding,
  requireServing,
} from "./mounted-provider.ts";
import { webHeaders } from "./node-conversion.ts";

export type * from "./mount-types.ts";

/** What a tool gets as `session`: who is calling. Hand it to `provider.pangeaToken(session)`. */
export type FastMCPAuth = { [Name in keyof AuthInfo]: AuthInfo[Name] };

/** The part of a request that FastMCP's `authenticate` reads. */
export type FastMCPRequest = Pick<IncomingMessage, "headers"> &
  Partial<Pick<IncomingMessage, "method" | "url">> & {
    readonly socket?: { readonly remoteAddress?: string | undefined };
  };

/** The part of a `FastMCP` server that is needed: its Hono application, which answers all but the MCP endpoint. */
export interface FastMCPServer {
  getApp(): { use(path: string, middleware: HonoMiddleware): unknown };
}

/**
 * Serves the authorization server's paths on a FastMCP server.
 *
 * @example
 * ```ts
 * const server = new FastMCP({ name, version, authenticate: fastmcpAuthenticate(provider) });
 * mountOnFastMCP(server, provider);
 * await server.start({ transportType: "httpStream", httpStream: { port: 3000, stateless: true } });
 * ```
 */
export function mountOnFastMCP(
  server: FastMCPServer,
  provider: AuthorizationServer,
  options: MountOptions<HonoContext> = {},
): void {
  requireMethods("mountOnFastMCP: the server", server, ["getApp"], "give a FastMCP server");
  requireServing("mountOnFastMCP", provider, options);
  server.getApp().use("*", pangeaAuth(provider, options));
}

/** The form of FastMCP's `httpStream.cors`. */
export interface FastMCPCors {
  origin: string;
  credentials: boolean;
  methods: string[];
  allowedHeaders: string[];
  exposedHeaders: string[];
}

/**
 * FastMCP's `httpStream.cors` for clients in a browser, as the other mounts answer them: a script of any origin may send
 * any header, such as `Mcp-Param-…`, may end its session by `DELETE`, and may read the challenge. FastMCP's own default
 * lets none of these through.
 *
 * @example
 * ```ts
 * await server.start({ transportType: "httpStream", httpStream: { port: 3000, stateless: true, cors: fastmcpCors() } });
 * ```
 */
export function fastmcpCors(): FastMCPCors {
  return {
    origin: crossOrigin["access-control-allow-origin"],
    // The MCP endpoint takes no cookies; and with them a browser would take "*" for the name of a header.
    credentials: false,
    methods: [...mcpMethods, "OPTIONS"],
    // "*" stands for every header but Authorization.
    allowedHeaders: ["*", ...usualHeaders.split(", ")],
    exposedHeaders: crossOrigin["access-control-expose-headers"].split(", "),
  };
}

/**
 * FastMCP's `authenticate`. Who is calling becomes the `session` of tools, prompts and resources. A refusal is thrown as
 * a Web `Response`, which FastMCP sends as it is, challenge included.
 *
 * FastMCP answers preflights itself, before anything else sees them: give `fastmcpCors()` as its `httpStream.cors`.
 *
 * Prefer FastMCP's `stateless` mode: otherwise calls that share an MCP session share its `session` too.
 *
 * @example
 * ```ts
 * new FastMCP({ name: "Example", version: "1.0.0", authenticate: fastmcpAuthenticate(provider) });
 * ```
 */
export function fastmcpAuthenticate(
  provider: BearerAuthenticator,
  options: GuardOptions<FastMCPRequest> = {},
): (request: FastMCPRequest) => Promise<FastMCPAuth> {
  requireGuarding("fastmcpAuthenticate", provider, options);
  const { caller: callerOf = ({ socket }) => socket?.remoteAddress } = options;
  return async (request) => {
    const caller = await provider.authenticate(
      { headers: webHeaders(request), method: request.method, url: request.url },
      demandOf(options, callerOf, request),
    );
    if (caller instanceof Response) throw caller;
    return caller;
  };
}
