import { inOneLine } from "../../clients/client-presentation.ts";
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

/** How much of a text from elsewhere a page shows, in characters. */
const maxShownLength = 300;

/**
 * A text from elsewhere, such as a person's name, as HTML: apart from the page's own words, in one line, and without what
 * nobody sees or what turns text round.
 */
export function shownValue(text: string): string {
  const shown = inOneLine(text.slice(0, 2 * maxShownLength));
  const characters = [...shown];
  const isLong = characters.length > maxShownLength;
  return `<bdi>${escapeHtml(isLong ? `${characters.slice(0, maxShownLength).join("")}…` : shown)}</bdi>`;
}

/** Fills the placeholders of a text by `shownValue`. The text itself is the operator's own, and is escaped. */
export function fillText(text: string, values: Readonly<Record<string, string>>): string {
  return escapeHtml(text).replace(/\{(\w+)\}/g, (placeholder, name) =>
    Object.hasOwn(values, name) ? shownValue(values[name] ?? "") : placeholder,
  );
}

const style = (accent: string): string => `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif;
  --paper: #ffffff; --ground: #f3f4f6; --ink: #1a1f2b; --quiet: #565f6e; --line: #d9dde4;
  --warn-ink: #6d4400; --warn-ground: #fff5e0; --warn-line: #e5bd6d;
  --grave: #a3231c; --accent: ${accent}; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #1e222b; --ground: #14171d; --ink: #e9ebf0; --quiet: #a4adbb; --line: #363c48;
    --warn-ink: #ffdd9b; --warn-ground: #33290f; --warn-line: #6e571f;
    --grave: #ffb4ab; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; padding: 1rem;
  background: var(--ground); color: var(--ink); }
main { width: min(28rem, 100%); padding: 1.75rem; border-radius: 14px; background: var(--paper);
  border: 1px solid var(--line); overflow-wrap: anywhere; }
header { display: flex; align-items: center; gap: .6rem; margin-bottom: 1.25rem; color: var(--quiet); font-size: .9rem; }
header img { height: 1.75rem; width: auto; max-width: 8rem; }
.icon { display: block; margin: 0 0 .75rem; border-radius: 10px; object-fit: contain; }
h1 { margin: 0 0 .35rem; font-size: 1.4rem; line-height: 1.25; }
h2 { margin: 1.25rem 0 .35rem; font-size: .95rem; }
p { margin: 0 0 .6rem; }
ul, ol { margin: 0; padding-left: 1.2rem; }
details { margin-top: 1.25rem; }
details p { margin: .5rem 0 0; }
li { margin: .2rem 0; }
.quiet, code { color: var(--quiet); font-size: .9rem; }
.standing, .step { margin: .9rem 0 0; padding: .6rem .9rem; border-radius: 10px; border: 1px solid var(--line);
  background: var(--ground); }
.standing[role="status"] { margin-bottom: .9rem; }
.doubtful { font-weight: 600; color: var(--warn-ink); background: var(--warn-ground); border-color: var(--warn-ink); }
.destination { margin: 1.25rem 0 .25rem; }
.destination + details { margin: 0; }
.address { display: block; padding: .4rem .6rem; border-radius: 8px; background: var(--ground); overflow-wrap: anywhere; }
summary { cursor: pointer; color: var(--quiet); font-size: .9rem; padding: .5rem 0; }
.warning { margin: 1.25rem 0 0; padding: .75rem .9rem; border-radius: 10px; font-size: .9rem;
  color: var(--warn-ink); background: var(--warn-ground); border: 1px solid var(--warn-line); }
.onward { margin: 1.25rem 0 0; }
form { display: flex; gap: .75rem; margin-top: 1.5rem; }
form.stacked { flex-direction: column; }
form details { margin: 0; }
form details button { width: 100%; margin-top: .5rem; }
.choices { list-style: none; margin-top: 1.25rem; padding: 0; }
.choices li { margin: .6rem 0 0; }
button, .button { flex: 1; min-height: 2.9rem; padding: .5rem 1rem; font: inherit; font-weight: 600; cursor: pointer;
  border-radius: 10px; border: 1px solid var(--quiet); background: transparent; color: var(--ink); }
.button { display: block; padding: .7rem 1rem; text-align: center; text-decoration: none; }
button[value^="allow"], .main { background: var(--accent); border-color: var(--accent); color: #ffffff; }
.grave { border-color: var(--grave); color: var(--grave); }
.aside { margin: 1.25rem 0 0; font-size: .9rem; text-align: center; }
a { color: inherit; }
main:has(article) { width: min(38rem, 100%); }
article { margin-top: 1.25rem; padding: 1.1rem 1.25rem 1.25rem; border: 1px solid var(--line); border-radius: 12px; }
article h2 { margin: 0; font-size: 1.1rem; line-height: 1.3; }
article form { margin-top: 1rem; }
article details { margin-top: .5rem; }
dl { margin: .75rem 0 0; }
dl div { display: flex; align-items: baseline; gap: .25rem 1rem; padding: .2rem 0; }
dt { flex: 0 0 8rem; color: var(--quiet); font-size: .9rem; }
dd { margin: 0; min-width: 0; }
dd ul { padding: 0; list-style: none; }
dd li { margin: 0; }
.logins { padding: 0; list-style: none; }
.logins > li { margin: 0; padding: .5rem 0 1rem; border-top: 1px solid var(--line); }
.logins form { margin-top: .5rem; }
hr { margin: 1.5rem 0 0; border: 0; border-top: 1px solid var(--line); }
button:hover, .button:hover { filter: brightness(1.08); }
:focus-visible { outline: 3px solid var(--ink); outline-offset: 2px; }
form details button[value^="allow"] { background: transparent; border-color: var(--quiet); color: var(--ink); }
@media (min-width: 34rem) { article button { flex: none; min-height: 2.75rem; padding: .4rem 1.25rem; } }
@media (max-width: 34rem) { form.wide { flex-direction: column; } }
@media (max-width: 26rem) { dl div { flex-direction: column; align-items: stretch; gap: 0; } dt { flex: none; } }
@media (max-width: 22rem) { form { flex-direction: column; } }
`;

/** A page of this server: the frame that all pages share. */
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
 * @param hasForm - Whether the page has a form. Such a page has no `form-action`: Chromium holds every redirect that
 * follows the form to it (https://github.com/w3c/webappsec-csp/issues/8). Those lead over an upstream where the person is
 * logged in already to the client, and the client's web page may lead on to an application, whose scheme nobody here knows.
 * @param hasIcon - Whether the page has a picture within it. Default: false.
 */
export function pageHeaders(
  appearance: ConsentConfiguration,
  { hasForm, hasIcon = false }: { readonly hasForm: boolean; readonly hasIcon?: boolean },
): Record<string, string> {
  const sources = [
    ...(appearance.logoUrl === undefined ? [] : [new URL(appearance.logoUrl).origin]),
    ...(hasIcon ? ["data:"] : []),
  ];
  const images = sources.length === 0 ? "'none'" : sources.join(" ");
  const policy = [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    `img-src ${images}`,
    ...(hasForm ? [] : ["form-action 'none'"]),
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    pragma: "no-cache",
    "content-security-policy": policy.join("; "),
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
  };
}
