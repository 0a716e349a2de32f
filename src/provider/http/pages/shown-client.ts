import { displayName as nameIn, redirectPlace } from "../../clients/client-presentation.ts";
import type { KnownClient } from "../../clients/client-registry.ts";
import type { ConsentConfiguration } from "../../configuration/consent-configuration.ts";
import { offlineAccess } from "../../oauth/scopes.ts";
import { escapeHtml, fillText } from "./page.ts";

/**
 * A name that cannot be mistaken for the page's own words: one line, no control or direction characters. Undefined where
 * the client gives none.
 */
export function displayName(client: KnownClient): string | undefined {
  return nameIn(client.information);
}

/**
 * What a client is called, also where it gives no name or is not known any more.
 *
 * @param known - What it called itself when it was allowed, for a client that is not known any more.
 */
export function shownName(
  client: KnownClient | undefined,
  { texts, brandName }: Pick<ConsentConfiguration, "texts" | "brandName">,
  known?: string,
): string {
  const inBrand = (words: string) => words.replaceAll("{brand}", () => brandName);
  if (client === undefined) return known ?? inBrand(texts.accountUnknownClient);
  return displayName(client) ?? inBrand(texts.accountUnnamed);
}

/** Where a client without a name is from: the host of its redirect URI without the port, or its scheme. */
export function placeOf(redirectUri: string): string {
  return redirectPlace(redirectUri);
}

/** How sure it is that the client is what it says. What nobody has checked is said as loudly as the button. */
export function standingOf(
  { source, verifiedDomain }: KnownClient,
  { texts }: ConsentConfiguration,
  values: Readonly<Record<string, string>>,
): string {
  if (source === "configured") return `<p class="standing">${fillText(texts.configured, values)}</p>`;
  if (verifiedDomain !== undefined) return `<p class="standing">${fillText(texts.verified, values)}</p>`;
  const unverified = values.client === "" ? texts.unnamedUnverified : texts.unverified;
  return `<p class="standing doubtful">${fillText(unverified, values)}</p>`;
}

/** What scopes allow, in the configured words. */
export function scopeList(
  scopes: readonly string[],
  { texts, scopeDescriptions, brandName }: ConsentConfiguration,
): string {
  if (scopes.length === 0) return `<p>${escapeHtml(texts.noScopes)}</p>`;
  return listOf(scopes, (scope) => {
    const words = scopeDescriptions.get(scope);
    if (words !== undefined) return escapeHtml(words);
    return scope === offlineAccess
      ? escapeHtml(texts.offlineAccess)
      : fillText(texts.undescribedScope, { scope, brand: brandName });
  });
}

/** A list as HTML, each item as it is shown. */
export function listOf(items: readonly string[], show: (item: string) => string): string {
  return `<ul>\n${items.map((item) => `<li>${show(item)}</li>`).join("\n")}\n</ul>`;
}
