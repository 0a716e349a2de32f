import type { KnownClient } from "../../clients/client-registry.ts";
import type { ProviderConfiguration } from "../../configuration/configuration.ts";
import type { ConsentConfiguration } from "../../configuration/consent-configuration.ts";
import type { AllowedApplication, AllowedLogin } from "../../login/allowed-applications.ts";
import { destinationOf, leadsToThisMachine } from "../../oauth/redirect-uri.ts";
import { escapeHtml, fillText, shownValue } from "./page.ts";
import { displayName, listOf, scopeList, shownName, standingOf } from "./shown-client.ts";

/** Of the logins with one application, and of its addresses, the page shows so many. */
const maxLogins = 20;
const maxAddresses = 3;

type CardSettings = Pick<ProviderConfiguration, "consent" | "scopeHierarchy">;

/** Makes a form of what is in it. */
type MakeForm = (content: string) => string;

/** An application that a person has allowed: who that is, how sure it is, what it can do, since when, and how to end it. */
export function applicationCard(
  { consent: appearance, scopeHierarchy }: CardSettings,
  { clientId, client, logins }: AllowedApplication,
  index: number,
  form: MakeForm,
): string {
  const { texts, brandName: brand } = appearance;
  const id = `application-${index}`;
  const scopes = scopeHierarchy.withImplied([...new Set(logins.flatMap((login) => login.scopes))]);
  const values = {
    brand,
    client: (client && displayName(client)) ?? "",
    domain: client?.verifiedDomain ?? "",
  };
  const facts = [
    ...addressesOf(client, appearance),
    fact(texts.accountMay, scopeList(scopes, appearance)),
    ...timesOf(logins, appearance),
  ];
  return `<article aria-labelledby="${id}">
<h2 id="${id}">${shownValue(shownName(client, appearance, logins[0]?.clientName))}</h2>
${client === undefined ? "" : standingOf(client, appearance, values)}
<dl>
${facts.join("\n")}
</dl>
${form(`<input type="hidden" name="client" value="${escapeHtml(clientId)}">
<button id="end-${id}" aria-labelledby="end-${id} ${id}" name="action" value="end-client">${escapeHtml(texts.accountEnd)}</button>`)}
${logins.length > 1 ? loginList(logins, appearance, { id, form }) : ""}
</article>`;
}

/** Each login by itself, folded: somebody may want to end that of a lost computer and keep the others. */
function loginList(
  logins: readonly AllowedLogin[],
  appearance: ConsentConfiguration,
  { id, form }: { readonly id: string; readonly form: MakeForm },
): string {
  const { texts } = appearance;
  const items = logins.slice(0, maxLogins).map((login, index) => {
    const button = `end-${id}-${index}`;
    return `<li>
<dl id="${id}-${index}">
${timesOf([login], appearance).join("\n")}
</dl>
${form(`<input type="hidden" name="grant" value="${escapeHtml(login.grantId)}">
<button id="${button}" aria-labelledby="${button} ${id}-${index}" name="action" value="end-login">${escapeHtml(texts.accountEndLogin)}</button>`)}
</li>`;
  });
  const others = logins.length - items.length;
  return `<details>
<summary>${fillText(texts.accountLogins, { count: String(logins.length) })}</summary>
<ul class="logins">
${items.join("\n")}
</ul>
${others > 0 ? `<p>${fillText(texts.accountMoreLogins, { count: String(others) })}</p>` : ""}
</details>`;
}

/** Where the client gets its answers. */
function addressesOf(client: KnownClient | undefined, { texts }: ConsentConfiguration): string[] {
  if (client === undefined) return [];
  const uris = client.information.redirect_uris.filter((uri) => URL.canParse(uri));
  const addresses = new Set(
    uris.map((uri) =>
      leadsToThisMachine(uri) ? escapeHtml(texts.accountLocal) : `<bdi>${escapeHtml(destinationOf(uri))}</bdi>`,
    ),
  );
  const shown = [...addresses].slice(0, maxAddresses);
  if (addresses.size > maxAddresses) shown.push("…");
  return shown.length === 0
    ? []
    : [
        fact(
          texts.accountAddress,
          listOf(shown, (address) => address),
        ),
      ];
}

/** Since when there is access, when it was last used where that is known, and until when there is. */
function timesOf(logins: readonly AllowedLogin[], { texts, language }: ConsentConfiguration): string[] {
  // A call takes no more arguments than its stack has room for, and somebody may have logged in more often.
  const earliest = (times: readonly number[]) => times.reduce((one, other) => Math.min(one, other));
  const latest = (times: readonly number[]) => times.reduce((one, other) => Math.max(one, other));
  const used = logins.flatMap(({ lastUsedAt }) => lastUsedAt ?? []);
  const time = (seconds: number) => shownTime(seconds, language);
  return [
    fact(texts.accountSince, time(earliest(logins.map(({ createdAt }) => createdAt)))),
    ...(used.length === 0 ? [] : [fact(texts.accountLastUsed, time(latest(used)))]),
    fact(texts.accountUntil, time(latest(logins.map(({ expiresAt }) => expiresAt)))),
  ];
}

function fact(name: string, value: string): string {
  return `<div><dt>${escapeHtml(name)}</dt><dd>${value}</dd></div>`;
}

/** A time in the page's language. Nobody here knows the person's time zone. */
function shownTime(seconds: number, language: string): string {
  const date = new Date(seconds * 1000);
  // What the store says may be no time that there is.
  if (Number.isNaN(date.getTime())) return "–";
  const format = formatOf(language);
  return `<time datetime="${date.toISOString()}">${escapeHtml(format.format(date))} UTC</time>`;
}

/** A tag may look like one and name no language: then the dates are English. */
function formatOf(language: string): Intl.DateTimeFormat {
  const form = { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" } as const;
  try {
    return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, form);
  } catch {
    return new Intl.DateTimeFormat("en-GB", form);
  }
}
