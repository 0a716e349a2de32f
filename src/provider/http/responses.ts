import type { OAuthError } from "../../errors.ts";
import { type Answer, jsonTextAnswer } from "./answer.ts";

/** Nothing here is to be taken for another type than it says. */
const noSniff = { "x-content-type-options": "nosniff" } as const;
const noStore = { "cache-control": "no-store", pragma: "no-cache", ...noSniff } as const;

/**
 * What lets a browser-based client read an answer, of these endpoints and of the MCP endpoint: they know no cookies, so any
 * origin may.
 */
export const crossOrigin = {
  "access-control-allow-origin": "*",
  "access-control-expose-headers": "WWW-Authenticate, Mcp-Session-Id, Retry-After",
} as const;

/** A JSON answer that must not be stored (RFC 6749 section 5.1). */
export function jsonAnswer(body: unknown, init: { status?: number; headers?: Record<string, string> } = {}): Answer {
  return jsonTextAnswer(body, {
    status: init.status ?? 200,
    headers: { ...noStore, ...crossOrigin, ...init.headers },
  });
}

/** The answer at a path where there is nothing. */
export function notFoundAnswer(): Answer {
  return jsonAnswer({ error: "not_found" }, { status: 404 });
}

/** Public metadata, which may be cached for a while. */
export function metadataAnswer(body: unknown): Answer {
  return jsonTextAnswer(body, { headers: { "cache-control": "public, max-age=3600", ...noSniff, ...crossOrigin } });
}

/** The methods of the MCP endpoint (Streamable HTTP). */
export const mcpMethods: readonly string[] = ["GET", "POST", "DELETE"];

/** What clients send where a preflight does not say it. */
export const usualHeaders = "Authorization, Content-Type, Accept, Last-Event-ID, MCP-Protocol-Version, Mcp-Session-Id";

/**
 * The answer to a CORS preflight. A script may send any header: none of them says who is asking but `Authorization`, and
 * that one a script has to know. Clients have headers of their own, and the MCP specification has a whole family of them
 * (`Mcp-Param-…`).
 *
 * @param requested - What the preflight asks for, in `Access-Control-Request-Headers`.
 */
export function preflightAnswer(methods: readonly string[], requested: string | null): Answer {
  const areNames = requested !== null && /^[\w!#$%&'*+.^`|~-]+(?:[ \t]*,[ \t]*[\w!#$%&'*+.^`|~-]+)*$/.test(requested);
  return {
    status: 204,
    headers: {
      ...crossOrigin,
      "access-control-allow-methods": [...methods, "OPTIONS"].join(", "),
      "access-control-allow-headers": areNames ? requested : usualHeaders,
      "access-control-max-age": "86400",
      vary: "Access-Control-Request-Headers",
    },
  };
}

/** An OAuth error as JSON (RFC 6749 section 5.2). */
export function oauthErrorAnswer(error: OAuthError, headers: Record<string, string> = {}): Answer {
  return jsonAnswer(
    { error: error.error, error_description: error.message },
    { status: error.status, headers: { ...retryAfter(error), ...headers } },
  );
}

/** An error as a line of text: for a person to whom no page can be shown. */
export function plainAnswer(error: OAuthError): Answer {
  return {
    status: error.status,
    headers: { ...noStore, ...retryAfter(error), "content-type": "text/plain; charset=utf-8" },
    text: `${error.message}\n`,
  };
}

/** The `Retry-After` header of an error that asks to come back later. */
export function retryAfter(error: OAuthError): Record<string, string> {
  return error.retryAfterSeconds === undefined ? {} : { "retry-after": String(Math.ceil(error.retryAfterSeconds)) };
}

/**
 * Sends the browser on. Answers that carry codes or cookies are never stored and leak no referrer.
 *
 * @param method - That of the request. What follows a form is a 303, after which no browser sends the form again (RFC 9700
 * section 4.12).
 */
export function redirectAnswer(method: string, location: URL, cookies: readonly string[] = []): Answer {
  const headers = { ...noStore, "referrer-policy": "no-referrer", location: location.href };
  return { status: method === "POST" ? 303 : 302, headers, cookies };
}
