import type { ServerResponse } from "node:http";
import { answerOf } from "../provider/http/answer.ts";
import type { AuthInfo } from "../provider/tokens/access-token-verifier.ts";
import {
  type AuthorizationServer,
  type BearerAuthenticator,
  type GuardOptions,
  type MountOptions,
  requireGuarding,
  requireServing,
} from "./mounted-provider.ts";
import { authenticateNode } from "./node.ts";
import { answer, type NodeRequest, pathOf } from "./node-conversion.ts";
import { PublicPaths } from "./public-path.ts";

export type * from "./mount-types.ts";

/**
 * Who is calling, as Express's types have it: what this package and the middleware of the MCP SDK, v1 and v2, agree upon. The
 * types of both can be used together.
 */
export type ExpressAuthInfo = Pick<AuthInfo, "token" | "clientId" | "scopes"> &
  Partial<Pick<AuthInfo, "expiresAt" | "resource" | "extra">>;

declare global {
  // Express's own types are made to be added to here, and need not be installed for it.
  namespace Express {
    interface Request {
      /** Who is calling, behind `requireBearer`. */
      auth?: ExpressAuthInfo;
    }
  }
}

/** The part of an Express request that the middleware needs. */
export interface ExpressRequest extends NodeRequest {
  /** Where the MCP SDK's transports look for who is calling. */
  auth?: unknown;
  /** The path of the router that the middleware is in. */
  readonly baseUrl?: string;
  /** The caller's address, after the application's `trust proxy` setting. */
  readonly ip?: string | undefined;
}

/** A middleware for Express 4 and 5, or for any framework with `(request, response, next)`. */
export type ExpressMiddleware = (
  request: ExpressRequest,
  response: ServerResponse,
  next: (failure?: unknown) => void,
) => Promise<void>;

/**
 * Serves the authorization server's paths; every other request goes on. Mount it at the root of the application:
 * clients look for metadata there. Body parsers may come before it or after it. A caller is told by Express's
 * `request.ip`, so behind a proxy the application needs its `trust proxy` setting.
 *
 * @example
 * ```ts
 * app.use(pangeaAuth(provider));
 * app.use("/mcp", requireBearer(provider), handler);
 * ```
 */
export function pangeaAuth(
  provider: AuthorizationServer,
  options: MountOptions<ExpressRequest> = {},
): ExpressMiddleware {
  requireServing("pangeaAuth", provider, options);
  const { caller = addressOf } = options;
  const paths = new PublicPaths(provider, options);
  return async (request, response, next) => {
    const below = request.baseUrl ?? "";
    if (below !== "") provider.noteMount?.({ below, mapsPaths: paths.mapsPaths });
    const path = paths.served(pathOf(request), request.method);
    if (path === undefined) next();
    else await answer(request, response, (sent) => answerOf(provider, sent, { caller: caller(request) }), path);
  };
}

/**
 * Guards what comes after it. A request with a valid token goes on with `request.auth`, the MCP SDK's `AuthInfo`; any
 * other is answered with 401, 403 or 400 and a challenge (RFC 6750, RFC 9728), or with 503 where the store is out. Scripts
 * of any origin may read the answers, and preflights are answered, unless the application has said otherwise before.
 *
 * @example
 * ```ts
 * app.post("/mcp", requireBearer(provider, { requiredScopes: ["tools"] }), handler);
 * ```
 */
export function requireBearer(
  provider: BearerAuthenticator,
  options: GuardOptions<ExpressRequest> = {},
): ExpressMiddleware {
  requireGuarding("requireBearer", provider, options);
  const guard = { ...options, caller: options.caller ?? addressOf };
  return async (request, response, next) => {
    const caller = await authenticateNode<ExpressRequest>(provider, request, response, guard);
    if (caller === undefined) return;
    request.auth = caller;
    next();
  };
}

function addressOf(request: ExpressRequest): string | undefined {
  return request.ip ?? request.socket.remoteAddress;
}
