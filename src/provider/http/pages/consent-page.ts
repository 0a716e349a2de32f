import type { KnownClient } from "../../clients/client-registry.ts";
import type { ProviderConfiguration } from "../../configuration/configuration.ts";
import type { AuthorizationRequest } from "../../login/authorization-request.ts";
import { pathBelow, paths } from "../../oauth/paths.ts";
import { destinationOf, leadsToThisMachine } from "../../oauth/redirect-uri.ts";
import { escapeHtml, fillText, pageHeaders, renderPage } from "./page.ts";

/**
 * The page on which a person allows or denies a client: who asks, how sure that is, for what, and where the answer goes.
 * It works without scripts, by keyboard and by screen reader.
 *
 * @param sealedRequest - Comes back with the decision.
 */
export function consentPage(
  { baseUrl, consent: appearance }: Pick<ProviderConfiguration, "baseUrl" | "consent">,
  client: KnownClient,
  request: AuthorizationRequest,
  sealedRequest: string,
): Response {
  const { texts, scopeDescriptions, brandName } = appearance;
  const name = displayName(client);
  const host = destinationOf(request.redirectUri);
  const values = { client: name, brand: brandName, host, domain: client.verifiedDomain ?? "" };
  const standing =
    client.source === "configured" ? texts.configured : client.verifiedDomain ? texts.verified : texts.unverified;
  const scopes = request.scopes.map((scope) => `<li>${escapeHtml(scopeDescriptions.get(scope) ?? scope)}</li>`);
  const warning = leadsToThisMachine(request.redirectUri)
    ? `<p class="warning" role="note">${fillText(texts.loopbackWarning, values)}</p>`
    : "";
  const title = fillText(texts.title, values);
  const html = renderPage(
    appearance,
    escapeHtml(texts.title.replace("{client}", () => name)),
    `<h1>${title}</h1>
<p><strong><bdi>${escapeHtml(name)}</bdi></strong> ${fillText(texts.asks, values)}</p>
<p class="quiet">${fillText(standing, values)}</p>
<h2>${escapeHtml(texts.scopesHeading)}</h2>
${scopes.length === 0 ? `<p>${escapeHtml(texts.noScopes)}</p>` : `<ul>\n${scopes.join("\n")}\n</ul>`}
${warning}
<p class="quiet" style="margin:1.25rem 0 0">${fillText(texts.redirectNote, values)}</p>
<form method="post" action="${escapeHtml(pathBelow(baseUrl) + paths.consent)}">
<input type="hidden" name="request" value="${escapeHtml(sealedRequest)}">
<button type="submit" name="decision" value="deny">${escapeHtml(texts.deny)}</button>
<button type="submit" name="decision" value="allow">${escapeHtml(texts.allow)}</button>
</form>`,
  );
  const headers = pageHeaders(appearance, { hasForm: true });
  // With `no-referrer` browsers would say that the form comes from the origin `null`, as any site can.
  headers.set("referrer-policy", "same-origin");
  return new Response(html, { status: 200, headers });
}

/** A name that cannot be mistaken for the page's own words: one line, no control or direction characters. */
function displayName(client: KnownClient): string {
  const given = client.information.client_name ?? "";
  const name = given
    .replace(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
  return name === "" ? client.information.client_id : [...name].slice(0, 80).join("");
}
