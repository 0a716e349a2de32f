import type { OAuthError } from "../../../errors.ts";
import type { ConsentConfiguration } from "../../configuration/consent-configuration.ts";
import { destinationOf } from "../../oauth/redirect-uri.ts";
import type { Answer } from "../answer.ts";
import { retryAfter } from "../responses.ts";
import { escapeHtml, fillText, pageHeaders, renderPage } from "./page.ts";

/**
 * A page for an error that is not sent to the client, for its redirect URI is not to be trusted, or not without a word. It
 * ends in what the person can do next.
 *
 * @param answer - The answer to the client, which the person may take along. Default: the person stays.
 */
export function errorPage(appearance: ConsentConfiguration, error: OAuthError, answer?: URL): Answer {
  const title = escapeHtml(appearance.texts.errorTitle);
  const html = renderPage(
    appearance,
    title,
    `<h1>${title}</h1>
${errorText(appearance, error)}
${answer === undefined ? nextStep(appearance, error) : wayBack(appearance, answer)}`,
  );
  const headers = { ...pageHeaders(appearance, { hasForm: false }), ...retryAfter(error) };
  // 401 would make a browser ask for a password; the page is for a person, whose request was the bad one.
  return { status: error.status === 401 ? 400 : error.status, headers, text: html };
}

/** What went wrong: in the words of the configuration where it has any, or by the error's own message. */
export function errorText({ errorTexts, brandName }: ConsentConfiguration, { error, message }: OAuthError): string {
  const code = `<code>${escapeHtml(error)}</code>`;
  const words = errorTexts.get(error);
  if (words === undefined) return `<p>${escapeHtml(message)}</p>\n<p class="quiet">${code}</p>`;
  return `<p>${fillText(words, { brand: brandName })}</p>\n<p class="quiet" lang="en">${code}: ${escapeHtml(message)}</p>`;
}

/** What the person can do, where there is no way back to the client. */
function nextStep({ texts, brandName }: ConsentConfiguration, { status, error }: OAuthError): string {
  const isBusy = error === "temporarily_unavailable" || error === "too_many_requests";
  const text = isBusy ? texts.waitStep : status >= 500 ? texts.reportStep : texts.startAgainStep;
  return `<p class="step">${fillText(text, { brand: brandName })}</p>`;
}

/** Says where the client is, and leads there. Only a person who has read that goes on. */
function wayBack({ texts, brandName }: ConsentConfiguration, answer: URL): string {
  const values = { host: destinationOf(answer.href), brand: brandName };
  return `<p class="warning" role="note">${fillText(texts.leaveNote, values)}</p>
<p class="onward"><a class="button" href="${escapeHtml(answer.href)}" rel="noreferrer">${fillText(texts.leave, values)}</a></p>`;
}
