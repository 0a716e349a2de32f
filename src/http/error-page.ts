import type { OAuthError } from "../errors.ts";
import { retryAfter } from "./responses.ts";

/** Escapes text for HTML content and quoted attributes. */
export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: light-dark(#f4f5f7, #15171c); }
main { box-sizing: border-box; width: min(30rem, 100% - 2rem); margin: 1rem; padding: 2rem; border-radius: 12px;
  background: light-dark(#fff, #20232b); color: light-dark(#1b1f27, #e8eaee);
  border: 1px solid light-dark(#dfe2e8, #343944); overflow-wrap: anywhere; }
h1 { margin: 0 0 .75rem; font-size: 1.3rem; line-height: 1.3; }
p { margin: 0 0 .75rem; }
code { font-size: .875rem; color: light-dark(#5b6472, #a3abb8); }
`;

/** The headers of a page of this server: not stored, not framed, no script, no outside content. */
export function pageHeaders(): Record<string, string> {
  return {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy":
      "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  };
}

/** A page for an error that cannot be sent to the client, because its redirect URI is not to be trusted. */
export function errorPage(error: OAuthError, cookies: readonly string[] = []): Response {
  const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign-in cannot go on</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Sign-in cannot go on</h1>
<p>${escapeHtml(error.message)}</p>
<code>${escapeHtml(error.error)}</code>
</main>
</body>
</html>
`;
  const headers = new Headers({ ...pageHeaders(), ...retryAfter(error) });
  for (const cookie of cookies) headers.append("set-cookie", cookie);
  // 401 would make a browser ask for a password; the page is for a person, whose request was the bad one.
  return new Response(html, { status: error.status === 401 ? 400 : error.status, headers });
}
