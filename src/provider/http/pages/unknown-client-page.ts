import type { ConsentConfiguration } from "../../configuration/consent-configuration.ts";
import type { UnknownClientError } from "../../login/unknown-client.ts";
import type { Answer } from "../answer.ts";
import { escapeHtml, fillText, pageHeaders, renderPage } from "./page.ts";

/** An id is as long as a stranger likes. */
const maxShownLength = 200;

/**
 * A page for a person whose application is not known here any more. It says in words what to do in the application; what
 * the application's developers want to know is folded away.
 */
export function unknownClientPage(appearance: ConsentConfiguration, error: UnknownClientError): Answer {
  const { texts, brandName: brand } = appearance;
  const title = fillText(texts.unknownClientTitle, { brand });
  const steps = [texts.unknownClientRemove, texts.unknownClientAdd, texts.unknownClientRetry];
  const html = renderPage(
    appearance,
    escapeHtml(texts.errorTitle),
    `<h1>${title}</h1>
<p>${fillText(texts.unknownClient, { brand })}</p>
<ol>
${steps.map((step) => `<li>${fillText(step, { brand })}</li>`).join("\n")}
</ol>
<details>
<summary class="quiet">${escapeHtml(texts.unknownClientDetails)}</summary>
<p>${escapeHtml(error.message)}</p>
<p><code>${escapeHtml(error.error)}</code></p>
<p><code>client_id: ${escapeHtml(error.clientId.slice(0, maxShownLength))}</code></p>
</details>`,
  );
  // 401 would make a browser ask for a password.
  return { status: 400, headers: pageHeaders(appearance, { hasForm: false }), text: html };
}
