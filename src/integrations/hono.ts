import type { MiddlewareHandler } from "hono";
import type { AuthInfo } from "../provider/tokens/access-token-verifier.ts";
import { allowOtherOrigins } from "./cross-origin.ts";
import { lostBody } from "./lost-body.ts";
import {
  type AuthorizationServer,
  type BearerAuthenticator,
  demandOf,
  type GuardOptions,
  type MountOptions,
  requireGuarding,
  requireServing,
} from "./mounted-provider.ts";
import { PublicPaths } from "./public-path.ts";

export type * from "./mount-types.ts";

/** The part of a Hono context that the middleware needs. */
export interface HonoContext {
  /**
   * What the runtime tells of the connection. On Node.js `incoming` is the request as `node:http` has it; on Bun it is the
   * server, or has the server; on Deno it has the address.
   */
  readonly env?: unknown;
  readonly req: {
    readonly raw: Request;
    text(): Promise<string>;
    formData(): Promise<FormData>;
  };
}

/** Hono's `Env` behind `requireBearer`, for an application as a whole: `new Hono<AuthenticatedEnv>()`. */
export interface AuthenticatedEnv {
  Variables: { auth: AuthInfo };
}

/** A middleware for Hono 4. */
export type HonoMiddleware = (context: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>;

/**
 * Serves the authorization server's paths; every other request goes on. Mount it at the root of the application:
 * clients look for metadata there. On Node.js, Bun (`Bun.serve(app)`) and Deno (`Deno.serve(app.fetch)`) a caller is told by
 * the address of the connection; on another runtime `caller` has to say who it is.
 *
 * @example
 * ```ts
 * app.use(pangeaAuth(provider));
 * app.all("/mcp", requireBearer(provider), (c) => handler.fetch(c.req.raw, { authInfo: c.get("auth") }));
 * ```
 */
export function pangeaAuth(provider: AuthorizationServer, options: MountOptions<HonoContext> = {}): HonoMiddleware {
  requireServing("pangeaAuth", provider, options);
  const { caller = addressOf } = options;
  const paths = new PublicPaths(provider, options);
  return async (context, next) => {
    const path = paths.served(new URL(context.req.raw.url).pathname, context.req.raw.method);
    if (path !== undefined) return provider.fetch(await asSent(context, path), { caller: caller(context) });
    await next();
    return undefined;
  };
}

/**
 * Guards what comes after it. A request with a valid token goes on with `c.get("auth")`, the MCP SDK's `AuthInfo`; any
 * other is answered with 401, 403 or 400 and a challenge (RFC 6750, RFC 9728), or with 503 where the store is out. Scripts
 * of any origin may read the answers, and preflights are answered, unless the application has said otherwise before.
 *
 * @example
 * ```ts
 * app.all("/mcp", requireBearer(provider, { requiredScopes: ["tools"] }), (c) => c.text(c.get("auth").clientId));
 * ```
 */
export function requireBearer(
  provider: BearerAuthenticator,
  options: GuardOptions<HonoContext> = {},
): MiddlewareHandler<AuthenticatedEnv> {
  requireGuarding("requireBearer", provider, options);
  const { caller: callerOf = addressOf } = options;
  return async (context, next) => {
    const caller = await provider.authenticate(context.req.raw, demandOf(options, callerOf, context));
    if (caller instanceof Response) return caller;
    context.set("auth", caller);
    await next();
    allowOtherOrigins(
      (name) => context.res.headers.has(name),
      (name, value) => context.header(name, value),
    );
    return undefined;
  };
}

/** The address that the connection comes from, where the runtime tells: on Node.js, Bun and Deno. */
function addressOf({ env, req }: HonoContext): string | undefined {
  const onNode = memberOf(memberOf(memberOf(env, "incoming"), "socket"), "remoteAddress");
  const onDeno = memberOf(memberOf(env, "remoteAddr"), "hostname");
  const address = onNode ?? onDeno ?? addressOnBun(env, req.raw) ?? addressOnBun(memberOf(env, "server"), req.raw);
  return typeof address === "string" ? address : undefined;
}

/** Asks Bun's server, which knows the requests that it made itself. */
function addressOnBun(server: unknown, request: Request): unknown {
  const requestIP = memberOf(server, "requestIP");
  return typeof requestIP === "function" ? memberOf(requestIP.call(server, request), "address") : undefined;
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/**
 * The request as the client sent it, though a proxy may have changed its path, and a middleware before this one may have
 * read its body by Hono's own methods. Of one that read the stream of `c.req.raw` nothing is left to answer from, and that
 * is an error of the application.
 */
async function asSent({ req }: HonoContext, path: string): Promise<Request> {
  const { method, headers, bodyUsed, body: unread } = req.raw;
  const url = new URL(req.raw.url);
  const isMoved = url.pathname !== path;
  url.pathname = path;
  if (!bodyUsed && !isMoved) return req.raw;
  if (!bodyUsed) return new Request(url, { method, headers, body: unread, duplex: "half" });
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(headers.get("content-type") ?? "");
  // Hono keeps what it has read in the form in which it was asked for, and a form has two text forms.
  const read = async (): Promise<string> =>
    isForm
      ? new URLSearchParams([...(await req.formData())].map(([name, value]) => [name, String(value)])).toString()
      : req.text();
  const body = await read().catch(() => lostBody());
  return new Request(url, { method, headers, body, duplex: "half" });
}
