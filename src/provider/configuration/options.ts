import type { OptionKinds } from "../../option-checks.ts";
import type { ProviderRepositories } from "../../records/repositories.ts";
import type { Logger } from "../reporting/logger.ts";
import type { Upstream } from "../upstream/contract.ts";
import type {
  ClientMetadataDocumentOptions,
  ClientRegistrationOptions,
  PreRegisteredClient,
} from "./client-options.ts";
import type { ConsentOptions } from "./consent-options.ts";
import type { OverloadOptions, RateLimitOptions } from "./request-limit-options.ts";

/** Whether tokens can be revoked over HTTP (RFC 7009). */
export interface RevocationOptions {
  /** Whether the revocation endpoint is served. Default: true. */
  readonly enabled?: boolean;
}

/** All options of revocation. */
export const revocationKinds: OptionKinds<RevocationOptions> = { enabled: "boolean" };

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

/** All options of what is written down of the use of grants. */
export const grantUseKinds: OptionKinds<GrantUseOptions> = { recorded: "boolean", network: "boolean" };

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

/** All options of the account page. */
export const accountKinds: OptionKinds<AccountOptions> = { enabled: "boolean", sessionSeconds: "any" };

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
   * domain chooses the upstream; it says nothing of who may log in. A domain is compared in ASCII, and its subdomains are others.
   * Default: none.
   */
  readonly emailDomains?: Readonly<Record<string, string>>;
  /**
   * The issuer of the upstream that this server had when its records did not name one yet: logins of an earlier version, and
   * those of the Python package. No token is sent to an upstream by a guess, so with several upstreams such a login is refused
   * where this is not given, the person logs in again, and the event `unknown-upstream` tells of it. It need not be one of
   * the upstreams any more. Default: the issuer of the only upstream; none where there are several.
   */
  readonly formerIssuer?: string | URL;
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
  /**
   * How long an access token is good, in seconds, 31 days at the most. Default: 3600. A redemption that an outage cut in half before
   * its access token was stored can be tried again until two minutes, which clocks may be apart, before that token would have
   * expired. So with less than three minutes here, and codes of the default lifetime, such a login may be lost.
   */
  readonly accessTokenLifetimeSeconds?: number;
  /**
   * How long an unused refresh token is good, in seconds, no shorter than an access token. A registration is kept for longer than
   * that, unless `clientRegistration.unusedLifetimeSeconds` says otherwise. Default: 30 days, or as long as an access token
   * where that is longer.
   */
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
   * instance of this server, where its time says when a refresh token was used or when an authorization code ends. Default: 30
   * for clients, 120 for instances.
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

/** Every option of a provider. */
export const providerOptionKinds: OptionKinds<McpOAuthProviderOptions> = {
  baseUrl: "any",
  issuerUrl: "any",
  path: "any",
  scopes: "any",
  scopeImplies: "object",
  upstream: "any",
  upstreams: "any",
  emailDomains: "object",
  formerIssuer: "any",
  repositories: "any",
  clientRegistration: "any",
  clientMetadataDocuments: "any",
  privateUseSchemes: "any",
  revocation: "any",
  grantUse: "any",
  account: "any",
  rateLimits: "any",
  overload: "any",
  requiredScopes: "any",
  consent: "any",
  serviceDocumentationUrl: "any",
  clients: "any",
  secret: "any",
  accessTokenLifetimeSeconds: "any",
  refreshTokenLifetimeSeconds: "any",
  grantLifetimeSeconds: "any",
  authorizationCodeLifetimeSeconds: "any",
  loginLifetimeSeconds: "any",
  refreshGraceSeconds: "any",
  onRefreshReuse: "any",
  invalidGrantStatus: "any",
  requestTimeout: "any",
  clockToleranceSeconds: "any",
  logger: "any",
  clock: "function",
};
