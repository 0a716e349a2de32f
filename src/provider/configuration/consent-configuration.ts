import {
  isLoopbackHost,
  namesLike,
  type OptionKinds,
  requireExactText,
  requireOptions,
  requireText,
  requireThat,
} from "../../option-checks.ts";
import { offlineAccess } from "../oauth/scopes.ts";
import type { ConsentOptions, ConsentTexts } from "./consent-options.ts";
import { contrastWithWhite, leastContrast } from "./contrast.ts";
import { day, requireSeconds } from "./lifetimes.ts";

/** What the pages that people see look like and say, complete. */
export interface ConsentConfiguration {
  readonly brandName: string;
  readonly logoUrl: string | undefined;
  readonly accentColour: string;
  readonly scopeDescriptions: ReadonlyMap<string, string>;
  readonly upstreamScopeDescriptions: ReadonlyMap<string, string>;
  readonly texts: ConsentTexts;
  /** What a page says of an error, by its code. */
  readonly errorTexts: ReadonlyMap<string, string>;
  readonly language: string;
  /** In seconds. */
  readonly remember: number;
}

const english: ConsentTexts = {
  title: "Allow {client}?",
  asks: "It wants to use {brand} in your name.",
  unnamedTitle: "Allow this application?",
  unnamedAsks: "An application that gives no name, from {place}, wants to use {brand} in your name.",
  unnamedUnverified: "Unverified: nobody has checked who this is.",
  account: "You are logged in as {account}.",
  scopesHeading: "It will be able to",
  noScopes: "Nothing beyond knowing that you logged in.",
  undescribedScope: "Use what {brand} calls “{scope}”",
  offlineAccess: "Stay connected while you are away",
  upstreamHeading: "Your login asks {upstream} for",
  redirectNote: "Afterwards you go to {host}:",
  wholeAddress: "The whole address",
  loopbackWarning:
    "This leads to a program on this computer. Allow it only if you have just started a login there yourself: any program on it can give this name.",
  verified: "Its name and details come from {domain}.",
  unverified: "Unverified: it gave this name itself. Nobody has checked it.",
  configured: "It was set up by the people who run {brand}.",
  unknownClientTitle: "Connect this application again",
  unknownClient:
    "Your application has sent you here with a registration that {brand} does not know, or no longer: it was not used for a long time. Nothing is wrong with your account.",
  unknownClientRemove:
    "Go back to the application and remove this server there, for example under MCP servers, connectors or integrations.",
  unknownClientAdd: "Add the server again in the same place. The application then registers anew by itself.",
  unknownClientRetry:
    "Log in again. Should you see this page once more, close the application first and have it forget its saved logins.",
  unknownClientDetails: "For the developers of the application",
  allow: "Allow",
  deny: "Deny",
  allowWith: "Allow and log in with {upstream}",
  otherUpstreams: "Log in with another account",
  chooseTitle: "Where do you want to log in?",
  chooseNote: "Choose where you have your account for {brand}. After that you go on to your application.",
  logInWith: "Log in with {upstream}",
  errorTitle: "Sign-in cannot go on",
  startAgainStep: "Go back to your application and start the login there again.",
  waitStep:
    "Wait a moment, then load this page again. If that does not help, start the login again in your application.",
  reportStep: "Start the login again in your application. If it ends here again, tell the people who run {brand}.",
  leaveNote: "You can go back to the application that asked for this. It is at {host}, which {brand} does not know.",
  leave: "Go to {host}",
  accountLink: "What you have allowed so far (opens in a new tab)",
  accountSignInTitle: "What have you allowed?",
  accountSignInNote: "Sign in to see which applications may use {brand} in your name. You can end their access there.",
  accountSignIn: "Sign in",
  accountSessionOver: "You were signed out after {minutes} minutes. Nothing was changed. Sign in again to go on.",
  accountSignedOut: "You are signed out.",
  accountTitle: "What you have allowed",
  accountIntro: "These applications may use {brand} in your name.",
  accountEmpty: "No application may use {brand} in your name.",
  accountIncomplete:
    "Not everything can be shown at the moment: there may be more. Open the page again in a few minutes.",
  accountUnnamed: "An application that gives no name",
  accountUnknownClient: "An application that {brand} does not know any more",
  accountLocal: "A program on the computer where you allowed it",
  accountAddress: "Address",
  accountMay: "It can",
  accountSince: "Since",
  accountLastUsed: "Last used",
  accountUntil: "Ends by itself",
  accountLogins: "{count} logins of this application",
  accountMoreLogins: "{count} older ones are not shown.",
  accountMoreClients: "{count} more applications are not shown. End access of some, or of all, to see them.",
  accountEnd: "End access",
  accountEndLogin: "End this login",
  accountEndAll: "End all access",
  accountEndAllNote: "Every application loses its access at once. You can log in again with those that you want back.",
  accountEndAllNow: "End access of all applications",
  accountEnded: "{client} has no access any more.",
  accountLoginEnded: "One login of {client} is over.",
  accountAllEnded: "All access was ended.",
  accountNothingEnded: "That access was over already. Nothing was changed.",
  accountSignOut: "Sign out",
  accountSignOutUpstream: "Sign out here and at {upstream}",
  accountErrorTitle: "That did not work",
  accountWaitStep: "Wait a moment, then open the page again.",
  accountErrorStep: "Nothing was changed. Open the page again, and try it once more there.",
  accountBack: "Open the page again",
};

const errorKinds: OptionKinds<NonNullable<ConsentOptions["errorTexts"]>> = {
  invalid_request: "text",
  invalid_client: "text",
  invalid_grant: "text",
  unauthorized_client: "text",
  unsupported_grant_type: "text",
  unsupported_response_type: "text",
  invalid_scope: "text",
  invalid_target: "text",
  consent_required: "text",
  account_selection_required: "text",
  access_denied: "text",
  server_error: "text",
  temporarily_unavailable: "text",
  invalid_token: "text",
  insufficient_scope: "text",
  invalid_redirect_uri: "text",
  invalid_client_metadata: "text",
  too_many_requests: "text",
  method_not_allowed: "text",
};
const textKinds = Object.fromEntries(Object.keys(english).map((name) => [name, "text" as const]));

/**
 * Checks the consent options and fills in the defaults.
 *
 * @param scopes - All that the server knows.
 * @param upstreamScopes - All that a login asks the upstream for, where it says so.
 * @throws {ConfigurationError} when an option is wrong; the message names it.
 */
export function configureConsent(
  options: ConsentOptions,
  baseUrl: string,
  scopes: readonly string[],
  upstreamScopes?: readonly string[],
): ConsentConfiguration {
  const { logoUrl, accentColour = "#1f5fd6", rememberSeconds, language = "en" } = options;
  const hasHttpsLogo = logoUrl !== undefined && URL.canParse(logoUrl) && new URL(logoUrl).protocol === "https:";
  requireThat(logoUrl === undefined || hasHttpsLogo, "consent.logoUrl must be an https URL.");
  requireThat(/^#[0-9a-f]{6}$/i.test(accentColour), "consent.accentColour must be a colour in the form #rrggbb.");
  requireThat(
    contrastWithWhite(accentColour) >= leastContrast,
    `consent.accentColour must be darker: white text on it needs a contrast of ${leastContrast} (WCAG AA).`,
  );
  const isLanguageTag = /^[a-z]{2,3}(?:-[a-z0-9]{2,8})*$/i.test(language);
  requireThat(isLanguageTag, "consent.language must be a language tag, such as en or pt-BR.");
  requireOptions<object>("the consent page", options.texts, textKinds, "consent.texts");
  const texts = Object.entries(options.texts ?? {}).filter(([, given]) => given !== undefined);
  for (const [name, text] of texts) requirePlaceholders(`texts.${name}`, text, placeholders);
  requireOptions("the pages of errors", options.errorTexts, errorKinds, "consent.errorTexts");
  const errorTexts = Object.entries(options.errorTexts ?? {}).filter(([, given]) => given !== undefined);
  for (const [code, text] of errorTexts) requirePlaceholders(`errorTexts.${code}`, text, ["brand"]);
  const { scopeDescriptions = {}, upstreamScopeDescriptions = {} } = options;
  requireDescribed("scopeDescriptions", scopeDescriptions, [...scopes, offlineAccess], "this server");
  if (upstreamScopes !== undefined) {
    requireDescribed("upstreamScopeDescriptions", upstreamScopeDescriptions, upstreamScopes, "the upstream");
  }
  return {
    brandName: requireExactText("consent.brandName", options.brandName ?? brandOf(baseUrl)),
    logoUrl,
    accentColour,
    scopeDescriptions: descriptions("scopeDescriptions", scopeDescriptions),
    upstreamScopeDescriptions: descriptions("upstreamScopeDescriptions", upstreamScopeDescriptions),
    texts: { ...english, ...Object.fromEntries(texts) },
    errorTexts: new Map(errorTexts),
    language,
    remember:
      rememberSeconds === 0 ? 0 : requireSeconds("consent.rememberSeconds", rememberSeconds, 90 * day, 400 * day),
  };
}

/** Words for a scope that is misspelt would never be seen. */
function requireDescribed(name: string, described: object, scopes: readonly string[], owner: string): void {
  const unknown = Object.keys(described).find((scope) => !scopes.includes(scope));
  if (unknown === undefined) return;
  const meant = namesLike(unknown, scopes);
  const remedy = meant.length > 0 ? `Did you mean ${meant.join(" or ")}?` : `There are ${scopes.join(", ")}.`;
  requireThat(false, `consent.${name}.${unknown} is no scope of ${owner}. ${remedy}`);
}

const placeholders: readonly string[] = [
  ...["client", "brand", "host", "place", "domain", "upstream", "account", "scope"],
  ...["count", "minutes"],
];

/** A placeholder that is misspelt would be read by people as it stands. */
function requirePlaceholders(text: string, words: string, known: readonly string[]): void {
  for (const [written, name = ""] of words.matchAll(/\{(\w+)\}/g)) {
    const meant = namesLike(name, known).map((near) => `{${near}}`);
    const remedy =
      meant.length > 0
        ? `Did you mean ${meant.join(" or ")}?`
        : `There ${known.length === 1 ? "is" : "are"} ${known.join(", ")}.`;
    requireThat(known.includes(name), `consent.${text} has ${written}, which nothing fills. ${remedy}`);
  }
}

/** What a server is called that gives no name: its host, as people write it. */
function brandOf(baseUrl: string): string {
  const { hostname } = new URL(baseUrl);
  return isLoopbackHost(hostname) ? "the MCP server on this computer" : hostname.replace(/^www\./, "");
}

function descriptions(name: string, given: Readonly<Record<string, string>> = {}): ReadonlyMap<string, string> {
  const entries = Object.entries(given);
  for (const [scope, words] of entries) requireText(`consent.${name}.${scope}`, words);
  return new Map(entries);
}
