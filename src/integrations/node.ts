import type { IncomingMessage, ServerResponse } from "node:http";
import { requireKind } from "../option-checks.ts";
import { answerOf } from "../provider/http/answer.ts";
import type { AuthInfo } from "../provider/tokens/access-token-verifier.ts";
import { allowOtherOrigins } from "./cross-origin.ts";
import {
  type AuthorizationServer,
  type BearerAuthenticator,
  demandOf,
  type GuardOptions,
  type MountOptions,
  type RequireBearerOptions,
  requireGuarding,
  requireProtecting,
  requireServing,
} from "./mounted-provider.ts";
import { answer, guardedRequest, type NodeRequest, pathOf } from "./node-conversion.ts";
import { PublicPaths } from "./public-path.ts";

export type * from "./mount-types.ts";
export type { NodeRequest };

/** A request that has passed the guard. The MCP SDK's transports hand `auth` on to tools as `authInfo`. */
export type AuthenticatedRequest = IncomingMessage & { readonly auth: AuthInfo };

/**
 * Serves the authorization server's paths on a `node:http` server and passes every other request on.
 *
 * It works behind body parsers too, which have read the body before it.
 *
 * @example
 * ```ts
 * createServer(pangeaAuth(provider, (request, response) => response.end("the rest of the site"))).listen(3000);
 * ```
 */
export function pangeaAuth(
  provider: AuthorizationServer,
  next: (request: IncomingMessage, response: ServerResponse) => unknown,
  options: MountOptions<NodeRequest> = {},
): (request: NodeRequest, response: ServerResponse) => Promise<void> {
  requireServing("pangeaAuth", provider, options);
  requireKind("pangeaAuth: the listener", next ?? null, "function");
  const { caller = addressOf } = options;
  const paths = new PublicPaths(provider, options);
  return async (request, response) => {
    const path = paths.served(pathOf(request), request.method);
    if (path === undefined) await next(request, response);
    else await answer(request, response, (received) => answerOf(provider, received, { caller: caller(request) }), path);
  };
}

/**
 * Guards a listener: it is called with `request.auth` for a valid token; any other request is answered with 401, 403 or
 * 400 and a challenge (RFC 6750, RFC 9728), or with 503 where the store is out. Scripts of any origin may read the answers,
 * and preflights are answered, unless the application has said otherwise before.
 *
 * @example
 * ```ts
 * const listener = requireBearer(provider, (request, response) => transport.handleRequest(request, response));
 * ```
 */
export function requireBearer(
  provider: BearerAuthenticator,
  next: (request: AuthenticatedRequest, response: ServerResponse) => unknown,
  options: GuardOptions<NodeRequest> = {},
): (request: NodeRequest, response: ServerResponse) => Promise<void> {
  requireGuarding("requireBearer", provider, options);
  requireKind("requireBearer: the listener", next ?? null, "function");
  return guarded(provider, next, options, false);
}

function guarded(
  provider: BearerAuthenticator,
  next: (request: AuthenticatedRequest, response: ServerResponse) => unknown,
  options: GuardOptions<NodeRequest>,
  isOfWholeServer: boolean,
): (request: NodeRequest, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    const auth = await admit(provider, request, response, options, isOfWholeServer);
    if (auth !== undefined) await next(Object.assign(request, { auth }), response);
  };
}

/**
 * Puts a whole `node:http` server behind a provider: the authorization server's paths are served, every other request
 * needs a token. What a browser or a crawler asks for elsewhere than at the MCP endpoint, such as `/favicon.ico`, is
 * answered with 404.
 *
 * @example
 * ```ts
 * createServer(protectMcp(provider, (request, response) => transport.handleRequest(request, response))).listen(3000);
 * ```
 */
export function protectMcp(
  provider: AuthorizationServer & BearerAuthenticator,
  listener: (request: AuthenticatedRequest, response: ServerResponse) => unknown,
  options: RequireBearerOptions & MountOptions<NodeRequest> = {},
): (request: NodeRequest, response: ServerResponse) => Promise<void> {
  requireProtecting("protectMcp", provider, options);
  requireKind("protectMcp: the listener", listener ?? null, "function");
  const { requiredScopes, ...mount } = options;
  const demand = {
    ...(requiredScopes !== undefined && { requiredScopes }),
    ...(mount.caller !== undefined && { caller: mount.caller }),
  };
  return pangeaAuth(provider, guarded(provider, listener, demand, true), mount);
}

/**
 * Says who is calling; or answers the request with the refusal and gives back `undefined`. Never rejects.
 *
 * @example
 * ```ts
 * const caller = await authenticateNode(provider, request, response);
 * if (caller === undefined) return;
 * ```
 */
export function authenticateNode<Received extends NodeRequest>(
  provider: BearerAuthenticator,
  request: Received,
  response: ServerResponse,
  options: GuardOptions<Received> = {},
): Promise<AuthInfo | undefined> {
  return admit(provider, request, response, options, false);
}

/** @param isOfWholeServer - Whether every request to the server comes here, also one for what there is not. */
async function admit<Received extends NodeRequest>(
  provider: BearerAuthenticator,
  request: Received,
  response: ServerResponse,
  options: GuardOptions<Received>,
  isOfWholeServer: boolean,
): Promise<AuthInfo | undefined> {
  const demand = demandOf(options, options.caller ?? addressOf, request);
  const guardedOne = { ...guardedRequest(request), isOfWholeServer };
  const caller = await provider.authenticate(guardedOne, demand);
  if (!(caller instanceof Response)) {
    allowOtherOrigins(
      (name) => response.hasHeader(name),
      (name, value) => response.setHeader(name, value),
    );
    return caller;
  }
  await answer(request, response, () => caller);
  return undefined;
}

function addressOf(request: NodeRequest): string | undefined {
  return request.socket.remoteAddress;
}
