import type { MiddlewareHandler } from "hono";
import type { AuthInfo } from "../provider/tokens/access-token-verifier.ts";
import { allowOtherOrigins } from "./cross-origin.ts";
import { lostBody } from "./lost-body.ts";
import type {
  AuthorizationServer,
  BearerAuthenticator,
  CallerOptions,
  MountOptions,
  RequireBearerOptions,
} from "./mounted-provider.ts";
import { PublicPaths } from "./public-path.ts";

export type { AuthInfo, AuthorizationServer, BearerAuthenticator, CallerOptions, MountOptions, RequireBearerOptions };

/** The part of a Hono context that the middleware needs. */
export interface HonoContext {
  /** On Node, `incoming` is the request as `node:http` has it. */
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
 * clients look for metadata there.
 *
 * @example
 * ```ts
 * app.use(pangeaAuth(provider));
 * app.all("/mcp", requireBearer(provider), (c) => handler.fetch(c.req.raw, { authInfo: c.get("auth") }));
 * ```
 */
export function pangeaAuth(provider: AuthorizationServer, options: MountOptions<HonoContext> = {}): HonoMiddleware {
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
  options: RequireBearerOptions = {},
): MiddlewareHandler<AuthenticatedEnv> {
  return async (context, next) => {
    const caller = await provider.authenticate(context.req.raw, options);
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

/** The address that the connection comes from, where the runtime tells: on Node. */
function addressOf({ env }: HonoContext): string | undefined {
  const incoming = memberOf(env, "incoming");
  const address = memberOf(memberOf(incoming, "socket"), "remoteAddress");
  return typeof address === "string" ? address : undefined;
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
