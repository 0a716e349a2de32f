import type { ConsentConfiguration } from "../../configuration/consent-configuration.ts";
import type { Answer } from "../answer.ts";
import { escapeHtml, fillText, pageHeaders, renderPage } from "./page.ts";

/** A way to log in, and where it leads. */
export interface UpstreamChoice {
  /** The name of the upstream. */
  readonly name: string;
  /** What begins a login there: a path of this server, with its query. */
  readonly href: string;
}

/** The page on which a person chooses where to log in, where nothing else is to be asked. Each choice is a link. */
export function upstreamChoicePage(appearance: ConsentConfiguration, choices: readonly UpstreamChoice[]): Answer {
  const { texts, brandName: brand } = appearance;
  const links = choices.map(
    ({ name, href }) =>
      `<li><a class="button" href="${escapeHtml(href)}">${fillText(texts.logInWith, { upstream: name, brand })}</a></li>`,
  );
  const html = renderPage(
    appearance,
    escapeHtml(texts.chooseTitle.replace("{brand}", () => brand)),
    `<h1>${fillText(texts.chooseTitle, { brand })}</h1>
<p>${fillText(texts.chooseNote, { brand })}</p>
<ul class="choices">
${links.join("\n")}
</ul>`,
  );
  return { status: 200, headers: pageHeaders(appearance, { hasForm: false }), text: html };
}
