import { OAuthError } from "../errors.ts";
import { requireText, requireThat } from "../option-checks.ts";
import { assemble, type ProviderParts } from "./assemble.ts";
import { configure, type ProviderConfiguration } from "./configuration/configuration.ts";
import type { ProviderInternals } from "./configuration/internals.ts";
import type { McpOAuthProviderOptions } from "./configuration/options.ts";
import { prepareUpstreams } from "./configuration/prepare-upstreams.ts";
import { warnOfStateInMemory } from "./configuration/state-in-memory.ts";
import type { ProviderCheck } from "./diagnosis/diagnose.ts";
import { type GrantFilter, type GrantSummary, listGrants, revokeGrants } from "./grants/grant-directory.ts";
import type { UpstreamUserToken } from "./grants/upstream-sessions.ts";
import { type Answer, answersDirectly, toResponse } from "./http/answer.ts";
import { type AuthenticateOptions, noDemand, requireDemand } from "./http/demand.ts";
import type { MountPlace } from "./http/mount-watch.ts";
import { requireScopesAmong } from "./oauth/scopes.ts";
import type { AuthInfo } from "./tokens/access-token-verifier.ts";

/**
 * A complete OAuth authorization server for an MCP server, which defers login to an upstream and keeps its state in
 * repositories. `PangeaOAuthProvider` is this class with Pangea AuthN's as the upstream.
 *
 * Mount `fetch` at the paths for which `serves` is true, and guard the MCP endpoint with `authenticate`; the subpaths
 * for Express, Hono, FastMCP and Node do both. The class also has the shape of the MCP SDK's `OAuthTokenVerifier`.
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

  /** @throws {ConfigurationError} when an option is wrong; the message names it and says what it should be. */
  constructor(options: McpOAuthProviderOptions);
  /** @internal Takes what only this package and its tests give. */
  constructor(options: McpOAuthProviderOptions, internals: ProviderInternals);
  constructor(options: McpOAuthProviderOptions, internals: ProviderInternals = {}) {
    const configuration = configure(options, internals);
    this.#parts = assemble(configuration);
    this.#configuration = this.#parts.configuration;
    warnOfStateInMemory(configuration);
    prepareUpstreams(configuration);
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
   * True for a URL path that `fetch` answers: metadata, register, authorize, consent, callbacks, token,
   * revoke and account, as far as the options have them served.
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
  async fetch(request: Request, sender: { readonly caller?: string | undefined } = {}): Promise<Response> {
    // Another realm's Request is one too.
    requireThat(typeof request?.url === "string", "fetch takes a Request, as Web servers have it.");
    return toResponse(await this.#answer(request, sender));
  }

  #answer(request: Request, { caller }: { readonly caller?: string | undefined }): Promise<Answer> {
    this.#parts.watch.mounted();
    return this.#parts.router.respond(request, caller);
  }

  static {
    answersDirectly(McpOAuthProvider.prototype.fetch, (provider, request, sender) =>
      provider instanceof McpOAuthProvider && #parts in provider ? provider.#answer(request, sender) : undefined,
    );
  }

  /**
   * Tells the provider that its routes are mounted, so that it can warn of a mount that cannot work. The mounts of this
   * package do so; whoever calls `fetch` need not.
   */
  noteMount(place?: MountPlace): void {
    this.#parts.watch.mounted(place);
  }

  /**
   * Checks the scopes that a guard demands, when it is made: nobody could ever get past one that demands a scope which this
   * server does not give out. The mounts of this package do so; whoever calls `authenticate` need not.
   *
   * @throws {ConfigurationError} when the value is not a list of scopes, or has one that the server does not know.
   */
  checkRequiredScopes(scopes: readonly string[]): void {
    requireScopesAmong(this.#configuration.scopes, "requiredScopes", scopes);
  }

  /**
   * Guards a request to the MCP endpoint: answers who is calling, or with the response that refuses it (RFC 6750), with
   * 503 and `Retry-After` where the store cannot answer. No request makes it reject.
   *
   * A preflight (`OPTIONS`) is answered with 204 whoever asks: a browser sends it without a token. A path below
   * `.well-known` is answered with 404 where a token is missing or not good: clients look for metadata there, and take 401
   * for a server that hides it.
   *
   * @param request - A Web request, or anything with its headers, its method and its URL or path.
   * @param options - `requiredScopes` in place of those of the configuration; `caller`, as for `fetch`, for the network that
   * `grantUse.network` writes down. A function that finds the caller out is called when a network is to be written down.
   * @throws {ConfigurationError} when an option is unknown, or `requiredScopes` is no list of scopes.
   *
   * @example
   * ```ts
   * const caller = await provider.authenticate(request);
   * if (caller instanceof Response) return caller;
   * ```
   */
  async authenticate(
    request: {
      readonly headers: { get(name: string): string | null };
      readonly method?: string | undefined;
      readonly url?: string | undefined;
    },
    options: AuthenticateOptions = noDemand,
  ): Promise<AuthInfo | Response> {
    requireDemand(options);
    const hasHeaders = typeof request?.headers?.get === "function";
    requireThat(
      hasHeaders,
      "authenticate takes a request with its headers: a Web request, or an object with headers.get.",
    );
    // An instance that serves nothing but the MCP endpoint announces its keys as well.
    this.#parts.background();
    const answer = await this.#parts.guard.authenticate(request, options.requiredScopes);
    if (!(answer instanceof Response)) this.#parts.grantUses.note(answer.extra.grantId, options.caller);
    return answer;
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
  async verifyAccessToken(token: string): Promise<AuthInfo> {
    const { background, grantUses, verifier } = this.#parts;
    const now = this.#configuration.now();
    background(now);
    const found = verifier.verify(token, now);
    const verified = found instanceof Promise ? await found : found;
    grantUses.note(verified.extra.grantId, undefined, now);
    return verifier.authInfo(token, verified);
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
   * @throws {UpstreamRejectedError} when the upstream refuses this server. The login is not over by that.
   * @throws {StorageError} when the store fails.
   *
   * @example
   * ```ts
   * const { token, subject } = await provider.upstreamToken(extra.authInfo);
   * ```
   */
  async upstreamToken(authInfo: { readonly token: string } | undefined): Promise<UpstreamUserToken> {
    const token: unknown = authInfo?.token;
    if (typeof token === "string") return this.#parts.sessions.open(token);
    throw new OAuthError("invalid_token", "The request was made without an access token.");
  }

  /**
   * Ends a grant by its id (`authInfo.extra.grantId`), with all the tokens that it issued here. The user's tokens at
   * the upstream cannot be opened without one of the user's own; they are left to expire.
   *
   * @returns Whether there was such a grant.
   * @throws {ConfigurationError} when there is no such grant, and the id has not the form of one.
   * @throws {UnsealableError} when the grant is sealed under a key that this server does not have, as another server's is.
   * @throws {StorageError} when the store fails: call again.
   */
  async revokeGrant(grantId: string): Promise<boolean> {
    requireText("grantId", grantId);
    return this.#parts.grants.revoke(grantId, { by: "operator" });
  }

  /**
   * Lists grants, one user's approval of one client each, for an operator's tools. Those of a user or a client are found by an
   * index, where the repositories have one, as those of this package do; where not, the whole repository is read.
   *
   * @throws {ConfigurationError} when the grants repository has no `entries()`, or a member of the filter is there
   * without a value.
   * @throws {UnreadableRecordsError} after the last grant, when there were records that could not be read.
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
   * Ends every grant of a user, of a client, or of a user's use of a client, as `revokeGrant` does. What a user who is named has
   * allowed until now is over as well, and with `{}` what everybody has, whatever is stored of it: people are asked again.
   *
   * @param filter - Names the user, the client or both; for all grants it has to be `{}` in so many words.
   * @returns How many grants were ended.
   * @throws {ConfigurationError} when the repository of grants, or of codes, can list nothing that the filter means, or a
   * member of the filter is there without a value. Nothing is ended then.
   * @throws {UnreadableRecordsError} when there were records that could not be read; every grant that could be is ended.
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

  /**
   * Looks whether everything fits: the upstream, its client, the redirect URI, the store, the secrets of all instances, the
   * clocks and the public URL. It writes, reads and deletes a marked record, and logs nobody in. For a deployment's check and
   * an operator's eyes, not for the course of requests: `npx pangea-authn-fastmcp doctor` prints it.
   *
   * Never rejects: what fails is a finding.
   *
   * @example
   * ```ts
   * const { status, findings } = await provider.check();
   * if (status === "error") console.error(findings.filter((finding) => finding.status === "error"));
   * ```
   */
  async check(): Promise<ProviderCheck> {
    const { diagnose } = await import("./diagnosis/diagnose.ts");
    return diagnose(this.#configuration);
  }

  /**
   * Ends what is under way to the sites of clients, and tries once more what is in this instance's memory alone, for five seconds at
   * the most: the event `lost-at-end` tells what could not be stored. The repositories are whoever's made them, and stay
   * open: close them after this.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const { announcements, documents, grantUses, sessions, upstreamRevocations } = this.#parts;
    const parts = [documents, announcements, grantUses, sessions.unstored, upstreamRevocations.retries];
    await Promise.all(parts.map((part) => part[Symbol.asyncDispose]()));
  }
}
