import type { OAuthError } from "../../../errors.ts";
import type { ConsentConfiguration } from "../../configuration/consent-configuration.ts";
import { retryAfter } from "../responses.ts";
import { escapeHtml, pageHeaders, renderPage } from "./page.ts";

/** A page for an error that cannot be sent to the client, because its redirect URI is not to be trusted. */
export function errorPage(appearance: ConsentConfiguration, error: OAuthError): Response {
  const title = escapeHtml(appearance.texts.errorTitle);
  const html = renderPage(
    appearance,
    title,
    `<h1>${title}</h1>
<p>${escapeHtml(error.message)}</p>
<code>${escapeHtml(error.error)}</code>`,
  );
  const headers = pageHeaders(appearance, { hasForm: false });
  for (const [name, value] of Object.entries(retryAfter(error))) headers.set(name, value);
  // 401 would make a browser ask for a password; the page is for a person, whose request was the bad one.
  return new Response(html, { status: error.status === 401 ? 400 : error.status, headers });
}
