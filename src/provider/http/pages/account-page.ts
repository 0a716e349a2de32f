import type { OAuthError } from "../../../errors.ts";
import type { ProviderConfiguration } from "../../configuration/configuration.ts";
import type { ConsentTexts } from "../../configuration/consent-options.ts";
import type { AccountNotice, AccountSession } from "../../login/account-sessions.ts";
import type { AllowedApplication } from "../../login/allowed-applications.ts";
import { pathBelow, paths } from "../../oauth/paths.ts";
import type { Answer } from "../answer.ts";
import { retryAfter } from "../responses.ts";
import { applicationCard } from "./application-card.ts";
import { errorText } from "./error-page.ts";
import { escapeHtml, fillText, pageHeaders, renderPage } from "./page.ts";

/** What the account's pages are made from. */
export type AccountPageSettings = Pick<
  ProviderConfiguration,
  "account" | "baseUrl" | "consent" | "resource" | "scopeHierarchy" | "upstreams"
>;

/** What the account page shows to whoever is signed in. */
export interface AccountOverview {
  readonly session: AccountSession;
  /** Comes back with each form. */
  readonly formToken: string;
  readonly applications: readonly AllowedApplication[];
  /** How many applications there are, with those that are not shown. */
  readonly total: number;
  /** Whether that is all: another instance of this server may be able to read more. */
  readonly isWhole: boolean;
  readonly notice: AccountNotice | undefined;
}

/** Why somebody who is not signed in sees the page that asks for it. */
export type SignInReason = "came" | "session-over" | "signed-out";

/** The page on which a person sees what they have allowed, and ends it. It works without scripts. */
export function accountPage(settings: AccountPageSettings, overview: AccountOverview): Answer {
  const { baseUrl, consent: appearance, resource, upstreams } = settings;
  const { texts, brandName: brand } = appearance;
  const { session, formToken, applications, total, isWhole, notice } = overview;
  const upstream = upstreams.ofRecord(session.upstreamIssuer)?.name ?? "";
  const values = { brand, account: session.name ?? "", upstream };
  const form = (content: string) =>
    `<form class="wide" method="post" action="${escapeHtml(pathBelow(baseUrl) + paths.account)}">
<input type="hidden" name="form" value="${escapeHtml(formToken)}">
${content}
</form>`;
  const cards = applications.map((application, index) => applicationCard(settings, application, index, form));
  const others = total - applications.length;
  const list = `<p>${fillText(texts.accountIntro, values)}</p>
<code class="address">${escapeHtml(resource)}</code>
${cards.join("\n")}
${others > 0 ? `<p>${fillText(texts.accountMoreClients, { count: String(others) })}</p>` : ""}
<details>
<summary>${escapeHtml(texts.accountEndAll)}</summary>
<p>${fillText(texts.accountEndAllNote, values)}</p>
${form(`<button class="grave" name="action" value="end-all">${escapeHtml(texts.accountEndAllNow)}</button>`)}
</details>`;
  const signOutUpstream = `<button name="action" value="sign-out-upstream">${fillText(texts.accountSignOutUpstream, values)}</button>`;
  const signOut = form(`<button name="action" value="sign-out">${escapeHtml(texts.accountSignOut)}</button>
${session.upstreamLogout === undefined ? "" : signOutUpstream}`);
  return page(
    settings,
    texts.accountTitle,
    `<h1>${escapeHtml(texts.accountTitle)}</h1>
${session.name === undefined ? "" : `<p class="quiet">${fillText(texts.account, values)}</p>`}
${notice === undefined ? "" : `<p class="standing" role="status">${noticeText(texts, notice)}</p>`}
${isWhole ? "" : `<p class="standing">${fillText(texts.accountIncomplete, values)}</p>`}
${applications.length > 0 ? list : isWhole ? `<p>${fillText(texts.accountEmpty, values)}</p>` : ""}
<hr>
${signOut}`,
  );
}

/** The page for somebody who is not signed in, or not any more. */
export function signInPage(settings: AccountPageSettings, reason: SignInReason, status = 200): Answer {
  const { account, baseUrl, consent: appearance, upstreams } = settings;
  const { texts, brandName: brand } = appearance;
  const values = {
    brand,
    upstream: upstreams.all.map(({ name }) => name).join(", "),
    minutes: String(Math.max(1, Math.round(account.session / 60))),
  };
  const title = reason === "signed-out" ? texts.accountSignedOut : texts.accountSignInTitle;
  const buttons =
    upstreams.only === undefined
      ? upstreams.all.map(({ id, name }) => {
          const words = fillText(texts.logInWith, { ...values, upstream: name });
          return `<button name="action" value="sign-in:${escapeHtml(id)}">${words}</button>`;
        })
      : [`<button class="main" name="action" value="sign-in">${fillText(texts.accountSignIn, values)}</button>`];
  const note = reason === "session-over" ? texts.accountSessionOver : texts.accountSignInNote;
  return page(
    settings,
    title,
    `<h1>${fillText(title, values)}</h1>
<p>${fillText(note, values)}</p>
<form class="stacked" method="post" action="${escapeHtml(pathBelow(baseUrl) + paths.account)}">
${buttons.join("\n")}
</form>`,
    status,
  );
}

/** The page for a request about the account that was refused, or failed. */
export function accountErrorPage(settings: AccountPageSettings, error: OAuthError): Answer {
  const { baseUrl, consent: appearance } = settings;
  const { texts, brandName: brand } = appearance;
  const isBusy = error.error === "temporarily_unavailable" || error.error === "too_many_requests";
  const answer = page(
    settings,
    texts.accountErrorTitle,
    `<h1>${escapeHtml(texts.accountErrorTitle)}</h1>
${errorText(appearance, error)}
<p class="step">${fillText(isBusy ? texts.accountWaitStep : texts.accountErrorStep, { brand })}</p>
<p class="onward"><a class="button" href="${escapeHtml(pathBelow(baseUrl) + paths.account)}">${escapeHtml(texts.accountBack)}</a></p>`,
    error.status === 401 ? 400 : error.status,
  );
  return { ...answer, headers: { ...answer.headers, ...retryAfter(error) } };
}

function noticeText(texts: ConsentTexts, { done, client = "" }: AccountNotice): string {
  const words: Readonly<Record<AccountNotice["done"], string>> = {
    ended: texts.accountEnded,
    "login-ended": texts.accountLoginEnded,
    "all-ended": texts.accountAllEnded,
    nothing: texts.accountNothingEnded,
  };
  return fillText(words[done], { client });
}

function page({ consent }: AccountPageSettings, title: string, content: string, status = 200): Answer {
  const headers = {
    ...pageHeaders(consent, { hasForm: true }),
    // With `no-referrer` browsers would say that a form comes from the origin `null`, as any site can.
    "referrer-policy": "same-origin",
  };
  return { status, headers, text: renderPage(consent, escapeHtml(title), content) };
}
