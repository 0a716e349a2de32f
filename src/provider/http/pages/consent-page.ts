import type { KnownClient } from "../../clients/client-registry.ts";
import type { ProviderConfiguration } from "../../configuration/configuration.ts";
import type { ConsentConfiguration } from "../../configuration/consent-configuration.ts";
import type { AuthorizationRequest } from "../../login/authorization-request.ts";
import { pathBelow, paths } from "../../oauth/paths.ts";
import { destinationOf, leadsToThisMachine } from "../../oauth/redirect-uri.ts";
import { offlineAccess } from "../../oauth/scopes.ts";
import type { Upstream } from "../../upstream/contract.ts";
import type { Answer } from "../answer.ts";
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
  /** Where the person will log in, where a hint or an earlier login says so; else the person chooses. */
  readonly chosen?: Upstream | undefined;
  /** Who has logged in, where somebody has and the upstream says who. */
  readonly account?: string | undefined;
  /** The client's icon as a `data:` URL. */
  readonly icon?: string | undefined;
}

/**
 * The page on which a person allows or denies a client: who asks, how sure that is, for what, and where the answer goes.
 * Where there are several upstreams, the button that allows says where the person logs in: one click for both. It works without scripts, by keyboard and by screen reader.
 */
export function consentPage(
  {
    account: accountPage,
    baseUrl,
    consent: appearance,
    scopeHierarchy,
    upstreams,
  }: Pick<ProviderConfiguration, "account" | "baseUrl" | "consent" | "scopeHierarchy" | "upstreams">,
  { client, request, sealedRequest, account, icon, chosen = upstreams.only }: ConsentQuestion,
): Answer {
  const { texts, brandName } = appearance;
  const name = displayName(client);
  const host = destinationOf(request.redirectUri);
  const offered = chosen === undefined ? upstreams.all : [chosen];
  const values = {
    client: name ?? "",
    brand: brandName,
    host,
    place: placeOf(request.redirectUri),
    domain: client.verifiedDomain ?? "",
    upstream: offered.map((upstream) => upstream.name).join(", "),
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
${upstreamScopes(offered, appearance, values)}
<p class="destination">${fillText(texts.redirectNote, values)}</p>
${addressOf(request.redirectUri, appearance)}
${warning}
<form method="post" action="${escapeHtml(pathBelow(baseUrl) + paths.consent)}"${upstreams.only === undefined ? ' class="stacked"' : ""}>
<input type="hidden" name="request" value="${escapeHtml(sealedRequest)}">
${upstreams.only === undefined ? choiceButtons(upstreams.all, chosen, appearance, values) : plainButtons(appearance)}
</form>${accountPage.enabled ? accountLink(baseUrl, texts.accountLink) : ""}`,
  );
  const headers = {
    ...pageHeaders(appearance, { hasForm: true, hasIcon: icon !== undefined }),
    // With `no-referrer` browsers would say that the form comes from the origin `null`, as any site can.
    "referrer-policy": "same-origin",
  };
  return { status: 200, headers, text: html };
}

function plainButtons({ texts }: ConsentConfiguration): string {
  return `<button type="submit" name="decision" value="deny">${escapeHtml(texts.deny)}</button>
<button type="submit" name="decision" value="allow">${escapeHtml(texts.allow)}</button>`;
}

/** A button for each upstream. Where one is chosen, the others are folded: a hint may be wrong, and must not shut anybody out. */
function choiceButtons(
  all: readonly Upstream[],
  chosen: Upstream | undefined,
  { texts }: ConsentConfiguration,
  values: Readonly<Record<string, string>>,
): string {
  const buttons = (some: readonly Upstream[]) =>
    some
      .map(({ id, name }) => {
        const words = fillText(texts.allowWith, { ...values, upstream: name });
        return `<button type="submit" name="decision" value="${escapeHtml(allowAt(id))}">${words}</button>`;
      })
      .join("\n");
  const deny = `<button type="submit" name="decision" value="deny">${escapeHtml(texts.deny)}</button>`;
  if (chosen === undefined) return `${buttons(all)}\n${deny}`;
  const others = all.filter(({ id }) => id !== chosen.id);
  return `${buttons([chosen])}\n${deny}
<details><summary>${escapeHtml(texts.otherUpstreams)}</summary>
${buttons(others)}
</details>`;
}

/** The value of the button that allows a client and chooses an upstream. */
function allowAt(upstreamId: string): string {
  return `allow:${upstreamId}`;
}

/** What the upstreams will be asked for, where the configuration has words for it. Those that are asked for the same are one. */
function upstreamScopes(
  offered: readonly Upstream[],
  appearance: ConsentConfiguration,
  values: Readonly<Record<string, string>>,
): string {
  const { language, upstreamScopeDescriptions: descriptions } = appearance;
  if (descriptions.size === 0) return "";
  const alike = new Map<string, { readonly asked: readonly string[]; readonly names: string[] }>();
  for (const { name, scopes: asked = [...descriptions.keys()] } of offered) {
    const key = JSON.stringify(asked);
    const { names } = alike.get(key) ?? { names: [] };
    alike.set(key, { asked, names: [...names, name] });
  }
  const oneOf = new Intl.ListFormat(language, { type: "disjunction" });
  return [...alike.values()]
    .map(({ asked, names }) => askedFor(asked, appearance, { ...values, upstream: oneOf.format(names) }))
    .join("\n");
}

function askedFor(
  asked: readonly string[],
  { texts, upstreamScopeDescriptions: descriptions }: ConsentConfiguration,
  values: Readonly<Record<string, string>>,
): string {
  const list = listOf(asked, (scope) => {
    const words = descriptions.get(scope);
    return words === undefined
      ? fillText(texts.undescribedScope, { scope, brand: values.upstream ?? "" })
      : escapeHtml(words);
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
