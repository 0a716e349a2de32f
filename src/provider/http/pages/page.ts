import type { ConsentConfiguration } from "../../configuration/consent-configuration.ts";

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

/** Fills the placeholders of a text. The values are escaped; the text itself is the operator's own and escaped too. */
export function fillText(text: string, values: Readonly<Record<string, string>>): string {
  return escapeHtml(text).replace(/\{(\w+)\}/g, (placeholder, name) =>
    Object.hasOwn(values, name) ? `<bdi>${escapeHtml(values[name] ?? "")}</bdi>` : placeholder,
  );
}

const style = (accent: string): string => `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif;
  --paper: #ffffff; --ground: #f3f4f6; --ink: #1a1f2b; --quiet: #565f6e; --line: #d9dde4;
  --warn-ink: #6d4400; --warn-ground: #fff5e0; --warn-line: #e5bd6d; --accent: ${accent}; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #1e222b; --ground: #14171d; --ink: #e9ebf0; --quiet: #a4adbb; --line: #363c48;
    --warn-ink: #ffdd9b; --warn-ground: #33290f; --warn-line: #6e571f; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 1rem;
  background: var(--ground); color: var(--ink); }
main { width: min(28rem, 100%); padding: 1.75rem; border-radius: 14px; background: var(--paper);
  border: 1px solid var(--line); overflow-wrap: anywhere; }
header { display: flex; align-items: center; gap: .6rem; margin-bottom: 1.25rem; color: var(--quiet); font-size: .9rem; }
header img { height: 1.75rem; width: auto; max-width: 8rem; }
h1 { margin: 0 0 .35rem; font-size: 1.4rem; line-height: 1.25; }
h2 { margin: 1.25rem 0 .35rem; font-size: .95rem; }
p { margin: 0 0 .6rem; }
ul, ol { margin: 0; padding-left: 1.2rem; }
details { margin-top: 1.25rem; }
details p { margin: .5rem 0 0; }
summary { cursor: pointer; }
li { margin: .2rem 0; }
.quiet, code { color: var(--quiet); font-size: .9rem; }
.warning { margin: 1.25rem 0 0; padding: .75rem .9rem; border-radius: 10px; font-size: .9rem;
  color: var(--warn-ink); background: var(--warn-ground); border: 1px solid var(--warn-line); }
dl { display: grid; grid-template-columns: auto 1fr; gap: .25rem .75rem; margin: 1.25rem 0 0; font-size: .9rem; }
dt { color: var(--quiet); }
dd { margin: 0; font-weight: 600; }
form { display: flex; gap: .75rem; margin-top: 1.5rem; }
button { flex: 1; min-height: 2.9rem; padding: .5rem 1rem; font: inherit; font-weight: 600; cursor: pointer;
  border-radius: 10px; border: 1px solid var(--line); background: transparent; color: var(--ink); }
button[value="allow"] { background: var(--accent); border-color: var(--accent); color: #ffffff; }
button:hover { filter: brightness(1.08); }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@media (max-width: 22rem) { form { flex-direction: column; } }
`;

/** A page of this server: the frame that the consent and the error page share. */
export function renderPage(appearance: ConsentConfiguration, title: string, content: string): string {
  const { brandName, logoUrl, accentColour, language } = appearance;
  const logo = logoUrl === undefined ? "" : `<img src="${escapeHtml(logoUrl)}" alt="">`;
  return `<!doctype html>
<html lang="${escapeHtml(language)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · ${escapeHtml(brandName)}</title>
<style>${style(accentColour)}</style>
</head>
<body>
<main>
<header>${logo}<span>${escapeHtml(brandName)}</span></header>
${content}
</main>
</body>
</html>
`;
}

/**
 * The headers of a page: not stored, not framed, no script, nothing from elsewhere but the configured logo.
 *
 * No Cross-Origin-Opener-Policy: it would part a client from the popup window in which it opened this page.
 *
 * @param formAction - What the page's form may lead to.
 */
export function pageHeaders(appearance: ConsentConfiguration, formAction: readonly string[] = []): Headers {
  const images = appearance.logoUrl === undefined ? "'none'" : new URL(appearance.logoUrl).origin;
  const policy = [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    `img-src ${images}`,
    `form-action ${formAction.length === 0 ? "'none'" : formAction.join(" ")}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return new Headers({
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    pragma: "no-cache",
    "content-security-policy": policy.join("; "),
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
  });
}
