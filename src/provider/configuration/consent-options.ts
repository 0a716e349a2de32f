import type { OAuthErrorCode } from "../../errors.ts";
import type { OptionKinds } from "../../option-checks.ts";

/** What the pages that people see look like and say. */
export interface ConsentOptions {
  /**
   * Who asks for consent: the name of your service, as it stands within a sentence. Default: the host of the base URL, or
   * "the MCP server on this computer".
   */
  readonly brandName?: string;
  /** An https URL of your logo, shown above the name. */
  readonly logoUrl?: string;
  /**
   * The colour of the main button, as `#rrggbb`. Its text is white, so the colour needs a contrast of 4.5 with white
   * ({@link https://www.w3.org/TR/WCAG22/#contrast-minimum WCAG 2.2 level AA}); a lighter one is refused. Default:
   * `#1f5fd6`.
   */
  readonly accentColour?: string;
  /**
   * What each scope allows, in words that a user understands. A scope without words is shown by its name, as "Use what
   * {brand} calls “admin”"; `offline_access`,
   * which gives refresh tokens, has words of its own.
   *
   * @example
   * ```ts
   * scopeDescriptions: { user: "Read your notes", admin: "Change and delete your notes" }
   * ```
   */
  readonly scopeDescriptions?: Readonly<Record<string, string>>;
  /**
   * What the upstream is asked for when the person logs in, by its scopes, in words that a user understands. With one at
   * least, the page lists what the upstream will be asked for. Default: the page says nothing of it.
   *
   * @example
   * ```ts
   * upstreamScopeDescriptions: { user: "Your name and e-mail address" }
   * ```
   */
  readonly upstreamScopeDescriptions?: Readonly<Record<string, string>>;
  /** Texts in place of the English ones. Default: English. */
  readonly texts?: Partial<ConsentTexts>;
  /**
   * What pages of errors say, by the error code of OAuth, in place of the English message. `{brand}` is filled in. The message,
   * which may name a reference into the log, then stands small below it. Default: the message.
   *
   * @example
   * ```ts
   * errorTexts: { invalid_request: "Die Anwendung hat etwas gefragt, das {brand} nicht versteht." }
   * ```
   */
  readonly errorTexts?: Partial<Readonly<Record<OAuthErrorCode, string>>>;
  /** The language of the texts, as in the `lang` attribute of HTML. Default: `en`. */
  readonly language?: string;
  /**
   * How long a person's decision is remembered in the browser, in seconds: 400 days at the most, for no browser keeps it
   * longer; 0 to ask every time. A lower number counts at once, for decisions of before too. Default: 90 days.
   */
  readonly rememberSeconds?: number;
}

/** All options of the pages that people see. */
export const consentKinds: OptionKinds<ConsentOptions> = {
  brandName: "text",
  logoUrl: "text",
  accentColour: "text",
  scopeDescriptions: "object",
  upstreamScopeDescriptions: "object",
  texts: "object",
  errorTexts: "object",
  language: "text",
  rememberSeconds: "any",
};

/**
 * The texts of the pages that people see. `{client}`, `{brand}`, `{host}`, `{place}` (the host without a port), `{domain}`,
 * `{upstream}`, `{account}`, `{scope}`, `{count}` and `{minutes}` are filled in where they are known.
 */
export interface ConsentTexts {
  readonly title: string;
  readonly asks: string;
  /** In place of `title`, `asks` and `unverified` for a client that gives no name. */
  readonly unnamedTitle: string;
  readonly unnamedAsks: string;
  readonly unnamedUnverified: string;
  /** Who has logged in, where somebody has, and the upstream says who. */
  readonly account: string;
  readonly scopesHeading: string;
  readonly noScopes: string;
  /** A scope that `scopeDescriptions` has no words for. */
  readonly undescribedScope: string;
  /** The scope `offline_access`. */
  readonly offlineAccess: string;
  /** Stands before and after the login, and has to be true of both. */
  readonly upstreamHeading: string;
  readonly redirectNote: string;
  /** What unfolds a long redirect URI. */
  readonly wholeAddress: string;
  readonly loopbackWarning: string;
  readonly verified: string;
  readonly unverified: string;
  readonly configured: string;
  readonly unknownClientTitle: string;
  readonly unknownClient: string;
  readonly unknownClientRemove: string;
  readonly unknownClientAdd: string;
  readonly unknownClientRetry: string;
  readonly unknownClientDetails: string;
  readonly allow: string;
  readonly deny: string;
  /** In place of `allow` where there are several upstreams: a button for each. */
  readonly allowWith: string;
  /** What unfolds the other upstreams, where a hint of the application has chosen one. */
  readonly otherUpstreams: string;
  /** The page on which a person who is asked nothing else chooses where to log in: its heading and a line below. */
  readonly chooseTitle: string;
  readonly chooseNote: string;
  /** A link on that page, one for each upstream. */
  readonly logInWith: string;
  readonly errorTitle: string;
  /** What a person can do after an error: of the request, of an outage, of this server. */
  readonly startAgainStep: string;
  readonly waitStep: string;
  readonly reportStep: string;
  /** On the page of an error that the client has yet to hear of: where the client is. */
  readonly leaveNote: string;
  /** The link that leads there. */
  readonly leave: string;
  /** On the consent page: the link to the account page. */
  readonly accountLink: string;
  /** On the account page: who is not signed in. */
  readonly accountSignInTitle: string;
  readonly accountSignInNote: string;
  readonly accountSignIn: string;
  /** In place of `accountSignInNote` where the session is over. Nothing was changed. */
  readonly accountSessionOver: string;
  readonly accountSignedOut: string;
  /** On the account page: what the person has allowed. */
  readonly accountTitle: string;
  readonly accountIntro: string;
  readonly accountEmpty: string;
  /** Where another instance of this server has to be asked for the rest. Without applications it stands in place of `accountEmpty`. */
  readonly accountIncomplete: string;
  /** A client that gives no name. */
  readonly accountUnnamed: string;
  /** A client whose registration is over, or whose site does not answer. */
  readonly accountUnknownClient: string;
  /** In place of the address of a client that runs on the person's own computer. */
  readonly accountLocal: string;
  /** Stand before what they name. */
  readonly accountAddress: string;
  readonly accountMay: string;
  readonly accountSince: string;
  readonly accountLastUsed: string;
  readonly accountUntil: string;
  /** Where one application has several logins. */
  readonly accountLogins: string;
  readonly accountMoreLogins: string;
  readonly accountMoreClients: string;
  readonly accountEnd: string;
  readonly accountEndLogin: string;
  /** What unfolds the end of all; what that does; the button. */
  readonly accountEndAll: string;
  readonly accountEndAllNote: string;
  readonly accountEndAllNow: string;
  /** What was done. */
  readonly accountEnded: string;
  readonly accountLoginEnded: string;
  readonly accountAllEnded: string;
  readonly accountNothingEnded: string;
  readonly accountSignOut: string;
  readonly accountSignOutUpstream: string;
  readonly accountErrorTitle: string;
  readonly accountWaitStep: string;
  readonly accountErrorStep: string;
  /** The link to the account page on an error page. */
  readonly accountBack: string;
}
