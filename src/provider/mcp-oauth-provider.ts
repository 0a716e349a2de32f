import { OAuthError } from "../errors.ts";
import { authorizationCodeKey } from "../records/keys.ts";
import type { OAuthClientInformation } from "../records/oauth-client-information.ts";
import { assemble, type ProviderParts } from "./assemble.ts";
import type { RegisteredClient } from "./clients/client-registry.ts";
import { configure, type ProviderConfiguration } from "./configuration/configuration.ts";
import type { ProviderInternals } from "./configuration/internals.ts";
import type { McpOAuthProviderOptions } from "./configuration/options.ts";
import { type GrantFilter, type GrantSummary, listGrants, revokeGrants } from "./grants/grant-directory.ts";
import type { UpstreamUserToken } from "./grants/upstream-sessions.ts";
import { trustRedirectUri } from "./login/authorization-request.ts";
import { readCredential } from "./oauth/grant-credential.ts";
import { type AuthInfo, verifyAccessToken } from "./tokens/access-token-verifier.ts";
import type { TokenResponse } from "./tokens/token-response.ts";
import { revokeToken } from "./tokens/token-revoker.ts";

/** The part of an authorization request that the MCP SDK's v1 router hands over. */
export interface AuthorizationParameters {
  readonly state?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly codeChallenge: string;
  readonly redirectUri: string;
  readonly resource?: URL | undefined;
}

/** The part of a Node or Express response that `authorize` writes to, and the request that it answers. */
export interface AuthorizationResponseWriter {
  readonly req: {
    readonly method?: string | undefined;
    readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
  };
  statusCode: number;
  setHeader(name: string, value: string | readonly string[]): unknown;
  end(body?: string): unknown;
}

/**
 * A complete OAuth authorization server for an MCP server, which defers login to an upstream and keeps its state in
 * repositories. `PangeaOAuthProvider` is this class with Pangea AuthN's as the upstream.
 *
 * Mount `fetch` at the paths for which `serves` is true, and guard the MCP endpoint with `authenticate`; the subpaths
 * for Express, Hono, FastMCP and Node do both. The class also has the shape of the MCP SDK's v1 `OAuthServerProvider`
 * and of its `OAuthTokenVerifier`.
 *
 * The upstream sends the browser back to `<baseUrl>/<upstream.id>/callback`: register that redirect URI there.
 *
 * @example
 * ```ts
 * const provider = new McpOAuthProvider({
 *   baseUrl: "https://mcp.example.org",
 *   scopes: ["user"],
 *   upstream: pangeaAuthn({ issuerUrl, clientId, clientSecret, scopes: ["user"] }),
 *   repositories: createVaultRepositories(process.env.PANGEA_VAULT_TOKEN),
 * });
 * ```
 */
export class McpOAuthProvider {
  readonly #configuration: ProviderConfiguration;
  readonly #parts: ProviderParts;

  /** Tells the MCP SDK's v1 router that `exchangeAuthorizationCode` checks PKCE itself, so that it reads the code once. */
  readonly skipLocalPkceValidation = true;

  /** The client store of the MCP SDK's v1 `OAuthServerProvider`. */
  readonly clientsStore: {
    getClient(clientId: string): Promise<RegisteredClient | undefined>;
    registerClient?(client: Readonly<Record<string, unknown>>): Promise<RegisteredClient>;
  };

  /** @throws {ConfigurationError} when an option is wrong; the message names it and says what it should be. */
  constructor(options: McpOAuthProviderOptions);
  /** @internal Takes what only this package and its tests give. */
  constructor(options: McpOAuthProviderOptions, internals: ProviderInternals);
  constructor(options: McpOAuthProviderOptions, internals: ProviderInternals = {}) {
    const configuration = configure(options, internals);
    this.#configuration = configuration;
    this.#parts = assemble(configuration);
    const { registry } = this.#parts;
    this.clientsStore = {
      async getClient(clientId) {
        const client = await registry.find(clientId);
        return client && registry.forSecretComparison(client.information);
      },
      // The SDK's router has no way to ask for an initial access token.
      ...(configuration.registration.enabled &&
        configuration.registration.initialAccessTokens.length === 0 && {
          registerClient: (client: Readonly<Record<string, unknown>>) => registry.register(client),
        }),
    };
  }

  /** The issuer, byte for byte as in the metadata. */
  get issuer(): string {
    return this.#configuration.issuer;
  }

  /** The resource that tokens are issued for (RFC 8707): the URL of the MCP endpoint. */
  get resource(): string {
    return this.#configuration.resource;
  }

  /** The scopes that every MCP request needs. */
  get requiredScopes(): readonly string[] {
    return this.#configuration.requiredScopes;
  }

  /**
   * True for a URL path that `fetch` answers: metadata, register, authorize, callback, token and revoke.
   *
   * @param method - Of the request. `fetch` answers `OPTIONS` at the MCP endpoint too: a browser asks before it sends a
   * token, and no guard could know it. Default: `GET`.
   */
  serves(path: string, method?: string): boolean {
    return this.#parts.router.serves(path, method);
  }

  /**
   * Answers a request to the authorization server. Never rejects; a path that it does not serve gets a 404.
   *
   * @param request - As it was received. Its host plays no part: the configuration decides.
   * @param sender - `caller` says who sent it, for the rate limits of a caller: the address that the connection comes
   * from or, behind a proxy, the one that the proxy vouches for.
   *
   * @example
   * ```ts
   * const { pathname } = new URL(request.url);
   * return provider.serves(pathname, request.method) ? provider.fetch(request, { caller: address }) : next();
   * ```
   */
  fetch(request: Request, sender: { readonly caller?: string | undefined } = {}): Promise<Response> {
    return this.#parts.router.respond(request, sender.caller);
  }

  /**
   * Guards a request to the MCP endpoint: answers who is calling, or with the response that refuses it (RFC 6750), with
   * 503 and `Retry-After` where the store cannot answer. Never rejects.
   *
   * A preflight (`OPTIONS`) is answered with 204 whoever asks: a browser sends it without a token. A path below
   * `.well-known` is answered with 404 where a token is missing or not good: clients look for metadata there, and take 401
   * for a server that hides it.
   *
   * @param request - A Web request, or anything with its headers, its method and its URL or path.
   * @param options - `requiredScopes` in place of those of the configuration.
   *
   * @example
   * ```ts
   * const caller = await provider.authenticate(request);
   * if (caller instanceof Response) return caller;
   * ```
   */
  authenticate(
    request: {
      readonly headers: { get(name: string): string | null };
      readonly method?: string | undefined;
      readonly url?: string | undefined;
    },
    options: { readonly requiredScopes?: readonly string[] } = {},
  ): Promise<AuthInfo | Response> {
    // An instance that serves nothing but the MCP endpoint announces its keys as well.
    this.#parts.background();
    return this.#parts.guard.authenticate(request, options.requiredScopes);
  }

  /**
   * The response for a failure while a request is served: 403 with every scope needed for an `OAuthError` with
   * `insufficient_scope`, 503 for an outage of the store.
   */
  refusal(failure: unknown): Response {
    return this.#parts.guard.refusal(failure);
  }

  /**
   * Verifies an access token, as the MCP SDK's `OAuthTokenVerifier` does.
   *
   * @throws {OAuthError} with `invalid_token` when the token is not known, has expired or was revoked.
   * @throws {StorageError} when the store fails, which is not a word on the token.
   */
  verifyAccessToken(token: string): Promise<AuthInfo> {
    this.#parts.background();
    return verifyAccessToken(this.#configuration, token);
  }

  /**
   * The upstream token and the identity of the user behind a request, for tools that call an API of the upstream on the
   * user's behalf. It belongs to this user's grant: two users of one client never see each other's.
   *
   * It is kept sealed under a key that only the user's own tokens open, and is refreshed when it is due.
   *
   * @param authInfo - Of the request: its `token` opens the grant.
   * @throws {OAuthError} with `invalid_token` when the login is over.
   * @throws {UpstreamUnavailableError} when the upstream is needed and does not answer.
   * @throws {StorageError} when the store fails.
   *
   * @example
   * ```ts
   * const { token, subject } = await provider.upstreamToken(extra.authInfo);
   * ```
   */
  async upstreamToken(authInfo: { readonly token: string } | undefined): Promise<UpstreamUserToken> {
    if (authInfo === undefined) throw new OAuthError("invalid_token", "The request was made without an access token.");
    return this.#parts.sessions.open(authInfo.token);
  }

  /** Begins a login for the MCP SDK's v1 router: writes the consent page, or a redirect to the upstream. */
  async authorize(
    client: Pick<OAuthClientInformation, "client_id">,
    parameters: AuthorizationParameters,
    response: AuthorizationResponseWriter,
  ): Promise<void> {
    const trusted = await trustRedirectUri(this.#parts.registry, client.client_id, parameters.redirectUri);
    const { method = "GET", headers } = response.req;
    const browser = { method, header: (name: string) => headers[name]?.toString() ?? null };
    const asked = new Map([
      ["response_type", "code"],
      ["scope", parameters.scopes?.join(" ")],
      ["state", parameters.state],
      ["code_challenge", parameters.codeChallenge],
      ["code_challenge_method", "S256"],
      ["resource", parameters.resource?.href],
    ]);
    const begun = await this.#parts.authorization.askOrContinue(browser, trusted, parameters.state, asked);
    response.statusCode = begun.status;
    for (const [name, value] of begun.headers) if (name !== "set-cookie") response.setHeader(name, value);
    response.setHeader("set-cookie", begun.headers.getSetCookie());
    response.end(await begun.text());
  }

  /**
   * The PKCE challenge of a code, for the MCP SDK's v1 router. The code stays good.
   *
   * @throws {OAuthError} with `invalid_grant` when the code is not known or is another client's.
   * @throws {StorageError} when the store fails.
   */
  async challengeForAuthorizationCode(
    client: Pick<OAuthClientInformation, "client_id">,
    authorizationCode: string,
  ): Promise<string> {
    const { keys, repositories } = this.#configuration;
    const record = await this.#explained(async () => {
      const credential = readCredential(keys.derive("credential mark"), "authorization_code", authorizationCode);
      return credential && repositories.authorizationCodes.get(authorizationCodeKey(credential.handle));
    });
    if (record?.clientId !== client.client_id) {
      throw new OAuthError("invalid_grant", "The authorization code is not known, has expired or was used before.");
    }
    return record.codeChallenge;
  }

  /**
   * Redeems an authorization code for a client that the MCP SDK's v1 router has authenticated.
   *
   * @throws {OAuthError} with `invalid_grant` or `invalid_target` when the request does not fit the code.
   * @throws {StorageError} when the store fails.
   */
  async exchangeAuthorizationCode(
    client: Pick<OAuthClientInformation, "client_id">,
    authorizationCode: string,
    codeVerifier?: string,
    redirectUri?: string,
    resource?: URL,
  ): Promise<TokenResponse> {
    const { codes, registry } = this.#parts;
    const request = {
      clientId: client.client_id,
      isProven: false,
      code: authorizationCode,
      codeVerifier: codeVerifier ?? "",
      redirectUri,
      resource: resource?.href,
    };
    // The MCP SDK's router has authenticated the client.
    const { tokens, client: known } = await this.#explained(() => codes.redeem(request, async (recorded) => recorded));
    await registry.renewIfDue(client.client_id, known);
    return tokens;
  }

  /**
   * Redeems a refresh token for a client that the MCP SDK's v1 router has authenticated.
   *
   * @throws {OAuthError} when the token endpoint would refuse.
   * @throws {StorageError} when the store fails.
   */
  async exchangeRefreshToken(
    client: { readonly client_id: string; readonly grant_types?: readonly string[] | undefined },
    refreshToken: string,
    scopes?: readonly string[],
    resource?: URL,
  ): Promise<TokenResponse> {
    const { refreshes, registry } = this.#parts;
    const request = {
      clientId: client.client_id,
      isProven: false,
      refreshToken,
      scope: scopes?.join(" "),
      resource: resource?.href,
    };
    const grantTypes = [...(client.grant_types ?? ["authorization_code"])];
    const { tokens } = await this.#explained(() => refreshes.refresh(request, async () => ({ grantTypes })));
    await registry.renewIfDue(client.client_id);
    return tokens;
  }

  /** Tells a credential of another instance's secret from a lost one, as the token endpoint does. */
  async #explained<T>(work: () => Promise<T>): Promise<T> {
    this.#parts.background();
    await this.#parts.announcements.ready();
    try {
      return await work();
    } catch (failure) {
      throw await this.#parts.announcements.explain(failure);
    }
  }

  /**
   * Revokes a token of a client that the MCP SDK's v1 router has authenticated.
   *
   * @throws {StorageError} when the store fails.
   */
  revokeToken(client: Pick<OAuthClientInformation, "client_id">, request: { readonly token: string }): Promise<void> {
    return revokeToken({ ...this.#configuration, ...this.#parts }, client.client_id, request.token);
  }

  /**
   * Ends a grant by its id (`authInfo.extra.grantId`), with all the tokens that it issued here. The user's tokens at
   * the upstream cannot be opened without one of the user's own; they are left to expire.
   *
   * @returns Whether there was such a grant.
   * @throws {StorageError} when the store fails: call again.
   */
  revokeGrant(grantId: string): Promise<boolean> {
    return this.#parts.grants.revoke(grantId);
  }

  /**
   * Lists grants, one user's approval of one client each, for an operator's tools. It reads the whole repository.
   *
   * @throws {ConfigurationError} when the grants repository has no `entries()`, or a member of the filter is there
   * without a value.
   * @throws {StorageError} when the store fails.
   *
   * @example
   * ```ts
   * for await (const grant of provider.listGrants({ subject: "pui_…" })) console.log(grant.clientId, grant.scopes);
   * ```
   */
  listGrants(filter: GrantFilter = {}): AsyncIterable<GrantSummary> {
    return listGrants(this.#configuration, filter);
  }

  /**
   * Ends every grant of a user, of a client, or of a user's use of a client, as `revokeGrant` does.
   *
   * @param filter - Names the user, the client or both; for all grants it has to be `{}` in so many words.
   * @returns How many grants were ended.
   * @throws {ConfigurationError} when the grants repository has no `entries()`, or a member of the filter is there
   * without a value.
   * @throws {StorageError} when the store fails: call again.
   *
   * @example
   * ```ts
   * await provider.revokeGrants({ subject: "pui_…" });
   * ```
   */
  revokeGrants(filter: GrantFilter): Promise<number> {
    return revokeGrants(this.#parts.grants, this.#configuration, filter);
  }

  /**
   * Tells the upstream the ends of sessions that it could not be told before: it did not answer, or the instance that had
   * to tell it was stopped. An instance goes on telling by itself what it could not; call this after a restart.
   *
   * @returns How many sessions were ended now. Always 0 where the repository cannot list its records.
   * @throws {StorageError} when the store fails: call again.
   */
  retryUpstreamRevocations(): Promise<number> {
    return this.#parts.upstreamRevocations.retryAll();
  }

  /** Ends what is under way to the sites of clients. The repositories are whoever's made them, and stay open. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { announcements, documents, sessions, upstreamRevocations } = this.#parts;
    const parts = [documents, announcements, sessions.unstored, upstreamRevocations.retries];
    await Promise.all(parts.map((part) => part[Symbol.asyncDispose]()));
  }
}
