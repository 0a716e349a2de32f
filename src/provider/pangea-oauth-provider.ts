import { type OptionKinds, requireOptions, requireThat } from "../option-checks.ts";
import type { ProviderInternals } from "./configuration/internals.ts";
import { type McpOAuthProviderOptions, providerOptionKinds } from "./configuration/options.ts";
import type { UpstreamUserToken } from "./grants/upstream-sessions.ts";
import { McpOAuthProvider } from "./mcp-oauth-provider.ts";
import { PangeaAuthn } from "./upstream/pangea-authn.ts";

const owner = "PangeaOAuthProvider";

type RenamedOption = "baseUrl" | "issuerUrl" | "path" | "scopes";

/** Options about other upstreams than Pangea AuthN. */
const upstreamOptions = ["emailDomains", "formerIssuer", "upstream", "upstreams"] as const;
type UpstreamOption = (typeof upstreamOptions)[number];

/** What a `PangeaOAuthProvider` is made from: the options of an `McpOAuthProvider`, some under the original's names. */
export interface PangeaOAuthProviderOptions extends Omit<McpOAuthProviderOptions, RenamedOption | UpstreamOption> {
  /** The public base URL of the server that this provider is mounted in, such as `https://mcp.example.org`. */
  readonly mcpBaseUrl: McpOAuthProviderOptions["baseUrl"];
  /**
   * The issuer, byte for byte as clients see it in metadata and `iss`. Endpoints are served under `mcpBaseUrl`; an issuer
   * on another origin needs its metadata served there. Default: `mcpBaseUrl` without a slash at its end.
   */
  readonly mcpIssuerUrl?: McpOAuthProviderOptions["issuerUrl"];
  /** The path of the MCP endpoint below `mcpBaseUrl`; together they are the resource of RFC 8707. Default: `/mcp`. */
  readonly mcpPath?: McpOAuthProviderOptions["path"];
  /** The scopes that this server knows. */
  readonly mcpScopes: readonly string[];
  /** The Hosted Login URL of the Pangea AuthN project, such as `https://pdn-….login.aws.us.pangea.cloud`. */
  readonly pangeaAuthnIssuerUrl: string | URL;
  /** The id (`psa_…`) of the OAuth client that was made for this server in the Pangea console. */
  readonly pangeaAuthnClientId: string;
  /**
   * The secret (`pck_…`) of that client. Where there is no `secret`, every key follows from this one, so a list rotates
   * without ending a login: the first one is sent to Pangea AuthN, keys are derived from all of them.
   *
   * @example
   * ```ts
   * pangeaAuthnClientSecret: [newSecret, oldSecret] // from the moment when Pangea AuthN takes the new one
   * ```
   */
  readonly pangeaAuthnClientSecret: string | readonly string[];
  /** The scopes to ask Pangea AuthN for. */
  readonly pangeaAuthnScopes: readonly string[];
  /** The deadline of one call to Pangea AuthN, in milliseconds. Clients give up after ten seconds. Default: 5000. */
  readonly upstreamTimeout?: number;
  /** The `fetch` that calls Pangea AuthN. Default: the global one. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

const namesHere: Readonly<Record<RenamedOption, keyof PangeaOAuthProviderOptions>> = {
  baseUrl: "mcpBaseUrl",
  issuerUrl: "mcpIssuerUrl",
  path: "mcpPath",
  scopes: "mcpScopes",
};
const {
  baseUrl: _1,
  issuerUrl: _2,
  path: _3,
  scopes: _4,
  upstream: _5,
  upstreams: _6,
  emailDomains: _7,
  formerIssuer: _8,
  ...sharedKinds
} = providerOptionKinds;
const optionKinds: OptionKinds<PangeaOAuthProviderOptions> = {
  ...sharedKinds,
  mcpBaseUrl: "any",
  mcpIssuerUrl: "any",
  mcpPath: "any",
  mcpScopes: "any",
  pangeaAuthnIssuerUrl: "any",
  pangeaAuthnClientId: "any",
  pangeaAuthnClientSecret: "any",
  pangeaAuthnScopes: "any",
  upstreamTimeout: "any",
  fetch: "function",
};
const pangeaNamesHere = {
  issuerUrl: "pangeaAuthnIssuerUrl",
  clientId: "pangeaAuthnClientId",
  clientSecret: "pangeaAuthnClientSecret",
  scopes: "pangeaAuthnScopes",
  timeout: "upstreamTimeout",
  fetch: "fetch",
  clock: "clock",
} as const;

/**
 * A complete OAuth authorization server for an MCP server, which defers login to Pangea AuthN: an `McpOAuthProvider`
 * with `pangeaAuthn({ … })` as its upstream. The redirect URI to register in the Pangea console is
 * `<mcpBaseUrl>/pangea/callback`.
 *
 * @example
 * ```ts
 * const provider = new PangeaOAuthProvider({
 *   mcpBaseUrl: "https://mcp.example.org",
 *   mcpScopes: ["user"],
 *   pangeaAuthnIssuerUrl: "https://pdn-….login.aws.us.pangea.cloud",
 *   pangeaAuthnClientId: "psa_…",
 *   pangeaAuthnClientSecret: process.env.PANGEA_AUTHN_CLIENT_SECRET,
 *   pangeaAuthnScopes: ["user"],
 *   repositories: createVaultRepositories(process.env.PANGEA_VAULT_TOKEN),
 * });
 * ```
 */
export class PangeaOAuthProvider extends McpOAuthProvider {
  /** @throws {ConfigurationError} when an option is wrong; the message names it and says what it should be. */
  constructor(options: PangeaOAuthProviderOptions);
  /** @internal Takes what only this package and its tests give. */
  constructor(options: PangeaOAuthProviderOptions, internals: ProviderInternals);
  constructor(options: PangeaOAuthProviderOptions, internals: ProviderInternals = {}) {
    super(generalOptions(options), { ...internals, owner, nameOf: (option) => namesHere[option] });
  }

  /**
   * The Pangea token and the identity of the user behind a request: `upstreamToken` under the original's name.
   *
   * @param authInfo - Of the request: its `token` opens the grant.
   * @throws {OAuthError} with `invalid_token` when the login is over.
   * @throws {UpstreamUnavailableError} when Pangea AuthN is needed and does not answer.
   * @throws {UpstreamRejectedError} when Pangea AuthN refuses this server. The login is not over by that.
   * @throws {StorageError} when the store fails.
   *
   * @example
   * ```ts
   * const { token, subject } = await provider.pangeaToken(extra.authInfo);
   * ```
   */
  pangeaToken(authInfo: { readonly token: string } | undefined): Promise<UpstreamUserToken> {
    return this.upstreamToken(authInfo);
  }
}

function generalOptions(options: PangeaOAuthProviderOptions): McpOAuthProviderOptions {
  requireThat(options !== undefined, `${owner} takes an object of options.`);
  for (const name of upstreamOptions) {
    const isGeneral = Object(options)[name] !== undefined;
    requireThat(
      !isGeneral,
      `${name} is an option of McpOAuthProvider: ${owner} logs people in at Pangea AuthN alone. Take new McpOAuthProvider({ baseUrl, scopes, ${name}, … }), with pangeaAuthn({ … }) for Pangea AuthN.`,
    );
  }
  requireOptions(owner, options, optionKinds);
  const { mcpBaseUrl, mcpIssuerUrl, mcpPath, mcpScopes, ...others } = options;
  const {
    pangeaAuthnIssuerUrl: issuerUrl,
    pangeaAuthnClientId: clientId,
    pangeaAuthnClientSecret: clientSecret,
    pangeaAuthnScopes: scopes,
    upstreamTimeout: timeout,
    fetch,
    ...shared
  } = others;
  const upstream = new PangeaAuthn(
    { issuerUrl, clientId, clientSecret, scopes, timeout, fetch, clock: options.clock },
    (option) => pangeaNamesHere[option],
  );
  return { ...shared, baseUrl: mcpBaseUrl, issuerUrl: mcpIssuerUrl, path: mcpPath, scopes: mcpScopes, upstream };
}
