import type { OAuthErrorCode } from "../../errors.ts";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import type { ProviderRepositories } from "../../records/repositories.ts";
import type { Logger } from "../reporting/logger.ts";
import type { Upstream } from "../upstream/contract.ts";
import type { DocumentFetchOptions } from "./client-documents-options.ts";

/** How clients may register themselves (RFC 7591). */
export interface ClientRegistrationOptions {
  /** Whether the registration endpoint is served. Default: true. */
  readonly enabled?: boolean;
  /**
   * The scopes that a client may have which no operator has configured: the limit of every registration and of every
   * authorization request. Whatever else a client asks for is left out, and the answer says what was given (RFC 7591
   * section 3.2.1, RFC 6749 section 3.3). Default: all that the server knows.
   */
  readonly validScopes?: readonly string[];
  /**
   * The scopes of a client that asks for none, or for none that there is. What a client has registered for takes their
   * place in its authorization requests. Default: `validScopes`.
   */
  readonly defaultScopes?: readonly string[];
  /**
   * How long the secret of a client is good, in seconds, however it is used; 0 for ever, which the answer to the client says
   * as `client_secret_expires_at: 0` (RFC 7591 section 3.2.1). Most clients do not register again when their secret ends.
   * Default: 0.
   */
  readonly clientSecretLifetimeSeconds?: number;
  /**
   * How long a registration waits for the first login with it, in seconds; `unusedLifetimeSeconds` at the most. A login that
   * begins in this time keeps it, however long the person takes. The first login costs a read and a write more than later ones,
   * beside what it writes anyway. Default: 86,400, which is a day.
   *
   * @example
   * ```ts
   * clientRegistration: { firstLoginWithinSeconds: 7 * 24 * 3600 }
   * ```
   */
  readonly firstLoginWithinSeconds?: number;
  /**
   * How long a registration is kept after a login or a refresh, in seconds. Which of them was the last is noted once in a 90th
   * of this time. Default: 90 days.
   */
  readonly unusedLifetimeSeconds?: number;
  /**
   * The token that a registration has to show as `Authorization: Bearer` (RFC 7591 section 3). At least 16 characters; a
   * list rotates. Default: anybody may register.
   */
  readonly initialAccessToken?: string | readonly string[];
}

/** How clients are found whose id is the URL of a metadata document. */
export interface ClientMetadataDocumentOptions extends DocumentFetchOptions {
  /** Whether such clients are served. Default: true. */
  readonly enabled?: boolean;
}

/**
 * A number of requests in a time. So many are answered at once, and what was used comes back all the time: of 300 in 60
 * seconds one every 200 milliseconds. Nobody is shut out for the rest of a window.
 */
export interface RateLimit {
  readonly requests: number;
  readonly perSeconds: number;
}

/**
 * What is counted: requests to an endpoint, where the consent page and the callback count as `authorize`; and `newClients`,
 * the registrations that leave a new record. A client that registers again as what it was leaves none.
 */
export type RateLimitedRoute = "authorize" | "token" | "register" | "newClients" | "revoke" | "account";

/** Counts requests: what the limiters of the rate-limiter-flexible package are. */
export interface RateLimiter {
  /**
   * Counts a request of a caller. Rejects with an object that has `msBeforeNext`, in milliseconds, where the caller has
   * had its share, and with an `Error` where it cannot count.
   */
  consume(key: string): Promise<unknown>;
}

/** How many requests are answered. */
export interface RateLimitOptions {
  /**
   * For one caller: an IPv4 address, or a /64 of IPv6; a /48 may have four times as much. Default: 300 a minute to
   * `authorize`, `token`, `revoke` and `account`, 500 a minute to `register`, 500 in six hours of `newClients`.
   */
  readonly perCaller?: Partial<Readonly<Record<RateLimitedRoute, RateLimit | false>>>;
  /** For all callers together. Default: 5000 in six hours of `newClients`, else no limit. */
  readonly total?: Partial<Readonly<Record<RateLimitedRoute, RateLimit | false>>>;
  /**
   * Makes the limiter of a route, for example one that counts in Redis for all instances. Should it fail, this process
   * counts by itself. A limiter with fixed windows shuts a caller out until the window ends: give it short ones.
   * Default: in memory.
   *
   * @param name - Tells limits apart: use it as the prefix of keys.
   */
  readonly limiter?: (name: string, limit: RateLimit) => RateLimiter;
}

/** What happens to requests when there is more to do than this process can do. */
export interface OverloadOptions {
  /**
   * How long a request to the authorization server may wait until it begins, in milliseconds. One that would wait for longer
   * is refused with 503 and `Retry-After`, before anything was read or written for it. Once requests have waited for that
   * long without a pause, a fifth of it is left to those that come. Default: 500.
   */
  readonly longestWait?: number;
}

/** Whether tokens can be revoked over HTTP (RFC 7009). */
export interface RevocationOptions {
  /** Whether the revocation endpoint is served. Default: true. */
  readonly enabled?: boolean;
}

/** What is written down of how grants are used: `listGrants` gives it. */
export interface GrantUseOptions {
  /** Whether it is written down when a grant was last used: once an hour at most, beside the request. Default: true. */
  readonly recorded?: boolean;
  /**
   * Whether the network of that request is written down with it, a /24 of IPv4 or a /48 of IPv6. It is what the mount's `caller`
   * says. Default: false.
   */
  readonly network?: boolean;
}

/** The page where people see what they have allowed, and end it: `/account` below the base URL. */
export interface AccountOptions {
  /**
   * Whether the page is served. Default: true where the grants repository can list its records, for people can take back
   * only what they see; a page that nobody opens costs nothing.
   */
  readonly enabled?: boolean;
  /**
   * How long a person stays signed in to the page, in seconds, 86,400 at the most. It is not prolonged by use. Default: 900,
   * which is a quarter of an hour.
   */
  readonly sessionSeconds?: number;
}

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

/**
 * A client that is given in the configuration and needs no registration. It never expires. Its `client_secret`, where it has
 * one, has 32 characters or more. Its `scope` lists what it may have. Default: all that the server knows.
 */
export type PreRegisteredClient = Pick<OAuthClientInformation, "client_id" | "redirect_uris"> &
  Partial<Omit<OAuthClientInformation, "client_secret_hash" | "expiresAt">>;

/** What a `McpOAuthProvider` is made from. */
export interface McpOAuthProviderOptions {
  /** The public base URL of the server that this provider is mounted in, such as `https://mcp.example.org`. */
  readonly baseUrl: string | URL;
  /**
   * The issuer, byte for byte as clients see it in metadata and `iss`. Endpoints are served under the base URL; an issuer
   * on another origin needs its metadata served there. Default: the base URL without a slash at its end.
   */
  readonly issuerUrl?: string | URL | undefined;
  /** The path of the MCP endpoint below the base URL; together they are the resource of RFC 8707. Default: `/mcp`. */
  readonly path?: string | undefined;
  /** The scopes that this server knows. */
  readonly scopes: readonly string[];
  /**
   * Which scopes have others within them: a broad scope counts wherever a narrow one is needed, and what it implies may
   * imply more. It counts for requests with a token, in the scope list of a 403, for what a client may ask for, for a refresh
   * that narrows, and for a consent that was remembered; the consent page lists what is implied as well. A token has the
   * scopes that were given, and `authInfo.scopes` those that they imply too. A circle is refused. The names are all among
   * the server's scopes. Default: no scope implies another.
   *
   * @example
   * ```ts
   * const options = { scopes: ["read", "write", "admin"], scopeImplies: { admin: ["write"], write: ["read"] } };
   * ```
   */
  readonly scopeImplies?: Readonly<Record<string, readonly string[]>>;
  /**
   * Where people log in, such as `pangeaAuthn({ … })`. It sends the browser back to `/<id>/callback`. One of `upstream` and
   * `upstreams` is needed.
   */
  readonly upstream?: Upstream;
  /**
   * Several places where people may log in, in the order in which they are shown: the person chooses, on the page that asks
   * for consent where that is asked. A request's `idp_hint` chooses by an upstream's `id`, its `login_hint` by `emailDomains`.
   * Ids, names and issuers differ. With more than one, `secret` is needed: keys must not change when an upstream does.
   *
   * A user is an issuer and a subject together: nobody who logs in at one upstream is ever taken for a user of another.
   * What belongs to an upstream that is left out later is refused, and the event `unknown-upstream` tells of it.
   *
   * @example
   * ```ts
   * upstreams: [openIdConnect(google({ … })), openIdConnect(microsoftEntra({ … }))],
   * emailDomains: { "example.org": "entra" },
   * ```
   */
  readonly upstreams?: readonly Upstream[];
  /**
   * The `id` of the upstream where the people of an e-mail domain log in, by the domain. A `login_hint` with an address of that
   * domain chooses the upstream; it says nothing of who may log in. Default: none.
   */
  readonly emailDomains?: Readonly<Record<string, string>>;
  /**
   * Where state is kept: what `createVaultRepositories`, `createRedisRepositories` or `createRepositories` gives back, with a
   * repository for every kind of record. Default: all in memory, where every login ends with the process.
   */
  readonly repositories?: ProviderRepositories;
  /** How clients may register themselves. */
  readonly clientRegistration?: ClientRegistrationOptions;
  /** How clients are found whose id is the URL of a metadata document. */
  readonly clientMetadataDocuments?: ClientMetadataDocumentOptions;
  /**
   * The schemes of applications, without a colon, that the redirect URIs of clients may have beyond those that may always
   * be used: schemes that are made of a domain name
   * ({@link https://www.rfc-editor.org/rfc/rfc8252#section-7.1 RFC 8252 section 7.1}), and those of known applications such
   * as `cursor`, `vscode`, `claude` and `zed`. Clients of the option `clients` may have any scheme that does no harm.
   * Default: none.
   *
   * @example
   * ```ts
   * privateUseSchemes: ["acme-notes"], // acme-notes://callback
   * ```
   */
  readonly privateUseSchemes?: readonly string[];
  /** Whether tokens can be revoked over HTTP. */
  readonly revocation?: RevocationOptions;
  /** What is written down of how grants are used. */
  readonly grantUse?: GrantUseOptions;
  /** Whether people can see what they have allowed, and end it, at `/account` below the base URL. */
  readonly account?: AccountOptions;
  /** How many requests are answered; `false` for any number. */
  readonly rateLimits?: RateLimitOptions | false;
  /**
   * What happens when there is more to do than this process can do. Requests that have begun come first, and no guarded call
   * ever waits or is refused for it. `false` takes every request on at once, and all of them get slower.
   */
  readonly overload?: OverloadOptions | false;
  /** The scopes that every MCP request needs. Default: none beyond a valid token. */
  readonly requiredScopes?: readonly string[];
  /** What people see when they are asked to allow a client. */
  readonly consent?: ConsentOptions;
  /** A page for people about this server, published in the metadata. */
  readonly serviceDocumentationUrl?: string | URL;
  /** Clients that are known without registration. */
  readonly clients?: readonly PreRegisteredClient[];
  /**
   * What every signing and sealing key is derived from: at least 32 characters, the same on every instance. A list
   * rotates: the first one writes, all read. A secret that is replaced and not listed takes every login with it. Default:
   * the upstream's `keyMaterial`, which is Pangea AuthN's client secret, or all of its list while that one rotates. An
   * upstream without `keyMaterial`, or with one of fewer than 32 characters, needs this option.
   */
  readonly secret?: string | readonly string[];
  /** How long an access token is good, in seconds, 31 days at the most. Default: 3600. */
  readonly accessTokenLifetimeSeconds?: number;
  /** How long an unused refresh token is good, in seconds. Default: 30 days. */
  readonly refreshTokenLifetimeSeconds?: number;
  /** How long one login lasts however often it is refreshed, in seconds. Default: 90 days. */
  readonly grantLifetimeSeconds?: number;
  /** How long an authorization code waits to be redeemed, in seconds, 300 at the most. Default: 60. */
  readonly authorizationCodeLifetimeSeconds?: number;
  /** How long a person may take to log in, in seconds. Default: 600. */
  readonly loginLifetimeSeconds?: number;
  /**
   * How long a spent refresh token gets the same answer once its successor was used, in seconds, 600 at the most. Until
   * then it gets the same answer however late it comes, for as long as the successor is good: for clients that lost the
   * answer, and for those of several processes that share one token. After it, see `onRefreshReuse`. Default: 30.
   */
  readonly refreshGraceSeconds?: number;
  /**
   * What happens when a spent refresh token is shown after its grace. Somebody has a copy: a thief, or a process of the
   * client that slept through two refreshes of another one. Default: `"end-grant"`.
   *
   * - `"end-grant"` ends the login with all its tokens, as RFC 9700 section 4.14.2 asks: a thief and the client cannot both
   *   go on, whoever comes first.
   * - `"refuse"` refuses that one request with `invalid_grant`, and the login goes on: for clients whose processes do not
   *   tell each other of new tokens. A thief who was quicker than the client then keeps what was stolen until the grant
   *   ends, and the client, which is refused, has to log in anew. The event `reuse-detected` says so either way.
   */
  readonly onRefreshReuse?: "end-grant" | "refuse";
  /** The HTTP status of `invalid_grant`: 400 by RFC 6749; 401 for clients that loop on 400. Default: 400. */
  readonly invalidGrantStatus?: 400 | 401;
  /** How long a request may take to arrive, in milliseconds. Default: 10000. */
  readonly requestTimeout?: number;
  /**
   * How far clocks may be off, in seconds, 300 at the most: that of a client that signs assertions, and that of another
   * instance of this server, where its time says when a refresh token was used or when an authorization code ends. Default: 30 for clients, 120 for instances.
   */
  readonly clockToleranceSeconds?: number;
  /**
   * What warnings and outages are written to, each kind at most once a minute, with the number of those in between: anything
   * with the methods of `console`, such as a logger of pino or winston. `false` for none. Default: `console`, without
   * `debug`.
   *
   * @example
   * ```ts
   * logger: pino()
   * ```
   */
  readonly logger?: Logger | false;
  /** The time in milliseconds since the epoch. Default: `Date.now`. */
  readonly clock?: () => number;
}
