import type { ServerResponse } from "node:http";
import { pageStyleHash } from "./page-style.ts";

/** Sends JSON that nobody may keep. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers });
  response.end(JSON.stringify(body));
}

/** Sends an OAuth error ({@link https://www.rfc-editor.org/rfc/rfc6749#section-5.2 RFC 6749 section 5.2}). */
export function sendOAuthError(
  response: ServerResponse,
  status: number,
  error: string,
  description: string,
  headers?: Readonly<Record<string, string>>,
): void {
  sendJson(response, status, { error, error_description: description }, headers);
}

/**
 * The headers of a page that nobody may keep or frame, and that runs no script. Its style is named by its hash. There is
 * no `form-action`: a browser would apply it to the redirect that follows the login form, which leads to the client.
 */
export const pageHeaders: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "cache-control": "no-store",
  "content-security-policy": `default-src 'none'; style-src '${pageStyleHash}'; base-uri 'none'; frame-ancestors 'none'`,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

/** Sends a page. */
export function sendPage(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, pageHeaders);
  response.end(html);
}
