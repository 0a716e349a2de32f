import type { KnownClient } from "../../clients/client-registry.ts";
import type { ProviderConfiguration } from "../../configuration/configuration.ts";
import type { ConsentConfiguration } from "../../configuration/consent-configuration.ts";
import type { AuthorizationRequest } from "../../login/authorization-request.ts";
import { pathBelow, paths } from "../../oauth/paths.ts";
import { destinationOf, leadsToThisMachine } from "../../oauth/redirect-uri.ts";
import { offlineAccess } from "../../oauth/scopes.ts";
import type { Upstream } from "../../upstream/contract.ts";
import { escapeHtml, fillText, pageHeaders, renderPage } from "./page.ts";
import { displayName, listOf, placeOf, scopeList, standingOf } from "./shown-client.ts";

/** A redirect URI of more characters than this is folded. */
const longAddress = 60;

/** What a consent page is about. */
export interface ConsentQuestion {
  readonly client: KnownClient;
  readonly request: AuthorizationRequest;
  /** Comes back with the decision. */
  readonly sealedRequest: string;
  /** Who has logged in, where somebody has and the upstream says who. */
  readonly account?: string | undefined;
  /** The client's icon as a `data:` URL. */
  readonly icon?: string | undefined;
}

/**
 * The page on which a person allows or denies a client: who asks, how sure that is, for what, and where the answer goes.
 * It works without scripts, by keyboard and by screen reader.
 */
export function consentPage(
  {
    account: accountPage,
    baseUrl,
    consent: appearance,
    scopeHierarchy,
    upstream,
  }: Pick<ProviderConfiguration, "account" | "baseUrl" | "consent" | "scopeHierarchy" | "upstream">,
  { client, request, sealedRequest, account, icon }: ConsentQuestion,
): Response {
  const { texts, brandName } = appearance;
  const name = displayName(client);
  const host = destinationOf(request.redirectUri);
  const values = {
    client: name ?? "",
    brand: brandName,
    host,
    place: placeOf(request.redirectUri),
    domain: client.verifiedDomain ?? "",
    upstream: upstream.name,
    account: account ?? "",
  };
  const [title, asks] = name === undefined ? [texts.unnamedTitle, texts.unnamedAsks] : [texts.title, texts.asks];
  const opened = scopeHierarchy.withImplied(request.scopes);
  const given = request.offlineAccess ? [...opened, offlineAccess] : opened;
  const warning = leadsToThisMachine(request.redirectUri)
    ? `<p class="warning" role="note">${fillText(texts.loopbackWarning, values)}</p>`
    : "";
  const html = renderPage(
    appearance,
    escapeHtml(title.replace("{client}", () => name ?? "")),
    `${icon === undefined ? "" : `<img class="icon" src="${escapeHtml(icon)}" alt="" width="48" height="48">`}
<h1>${fillText(title, values)}</h1>
<p>${fillText(asks, values)}</p>
${account === undefined ? "" : `<p class="quiet">${fillText(texts.account, values)}</p>`}
${standingOf(client, appearance, values)}
<h2>${escapeHtml(texts.scopesHeading)}</h2>
${scopeList(given, appearance)}
${upstreamScopes(upstream, appearance, values)}
<p class="destination">${fillText(texts.redirectNote, values)}</p>
${addressOf(request.redirectUri, appearance)}
${warning}
<form method="post" action="${escapeHtml(pathBelow(baseUrl) + paths.consent)}">
<input type="hidden" name="request" value="${escapeHtml(sealedRequest)}">
<button type="submit" name="decision" value="deny">${escapeHtml(texts.deny)}</button>
<button type="submit" name="decision" value="allow">${escapeHtml(texts.allow)}</button>
</form>${accountPage.enabled ? accountLink(baseUrl, texts.accountLink) : ""}`,
  );
  const headers = pageHeaders(appearance, { hasForm: true, hasIcon: icon !== undefined });
  // With `no-referrer` browsers would say that the form comes from the origin `null`, as any site can.
  headers.set("referrer-policy", "same-origin");
  return new Response(html, { status: 200, headers });
}

/** What the upstream will be asked for, where the configuration has words for it. */
function upstreamScopes(
  { name, scopes }: Upstream,
  { texts, upstreamScopeDescriptions: descriptions }: ConsentConfiguration,
  values: Readonly<Record<string, string>>,
): string {
  if (descriptions.size === 0) return "";
  const asked = scopes ?? [...descriptions.keys()];
  const list = listOf(asked, (scope) => {
    const words = descriptions.get(scope);
    return words === undefined ? fillText(texts.undescribedScope, { scope, brand: name }) : escapeHtml(words);
  });
  return `<h2>${fillText(texts.upstreamHeading, values)}</h2>\n${list}`;
}

/** The whole address that the answer goes to. */
function addressOf(redirectUri: string, { texts }: ConsentConfiguration): string {
  const address = `<code class="address">${escapeHtml(redirectUri)}</code>`;
  if (redirectUri.length <= longAddress) return address;
  return `<details><summary>${escapeHtml(texts.wholeAddress)}</summary>${address}</details>`;
}

/** In another tab: whoever looks there can come back and decide. */
function accountLink(baseUrl: string, text: string): string {
  const address = escapeHtml(pathBelow(baseUrl) + paths.account);
  return `\n<p class="aside"><a href="${address}" target="_blank" rel="noopener">${escapeHtml(text)}</a></p>`;
}
