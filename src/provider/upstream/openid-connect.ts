import { createHash } from "node:crypto";
import type { ClientAuth } from "openid-client";
import { UpstreamRejectedError } from "../../errors.ts";
import {
  type OptionKinds,
  requireDuration,
  requireExactText,
  requireIssuerUrl,
  requireOptions,
  requireThat,
} from "../../option-checks.ts";
import type { Finding } from "../../storage/finding.ts";
import { requireScopes } from "../oauth/scopes.ts";
import { requireAuthorizationParameters } from "./authorization-parameters.ts";
import { claimedIdentity, type IdentityClaims, type UserClaims } from "./claimed-identity.ts";
import {
  byPrivateKey,
  bySecret,
  requireClientKey,
  requireSecretMethod,
  requireSigningAlgorithm,
} from "./client-authentication.ts";
import { ClientRequests } from "./client-requests.ts";
import type {
  Upstream,
  UpstreamCodeExchange,
  UpstreamIdentity,
  UpstreamLoginRequest,
  UpstreamTokens,
} from "./contract.ts";
import { inventedLogin } from "./login-probe.ts";
import { type Client, loadClient, tokensOf } from "./openid-client.ts";
import { OpenIdDiscovery } from "./openid-discovery.ts";
import { requireClientSecrets } from "./upstream-secrets.ts";
import { requireAllowed } from "./who-may-log-in.ts";

/** How an OpenID provider is reached, as which of its clients, and who may log in there. */
export interface OpenIdConnectOptions {
  /** The issuer, as its discovery document names it, such as `https://accounts.google.com`. */
  readonly issuer: string | URL;
  /** The id of the client that was made for this server there. */
  readonly clientId: string;
  /**
   * The client's secret. A list rotates: the first one is sent, and where the provider has no `secret` of its own, its keys
   * are derived from all. One of `clientSecret` and `privateKey` is needed.
   */
  readonly clientSecret?: string | readonly string[];
  /** The client's private key in place of a secret (`private_key_jwt`): a PEM text (PKCS #8), or a JWK. */
  readonly privateKey?: string | Readonly<Record<string, unknown>>;
  /** The algorithm of a `privateKey` that is a PEM text. Default: `RS256`. */
  readonly privateKeyAlgorithm?: string;
  /** How a secret is sent to the token endpoint. Default: `client_secret_basic`. */
  readonly clientAuthentication?: "client_secret_basic" | "client_secret_post";
  /**
   * The scopes that a login asks for. Many providers give a refresh token for `offline_access` only. Default: `openid`,
   * `profile` and `email`.
   */
  readonly scopes?: readonly string[];
  /** Names the callback, `/<id>/callback`, which is registered there. Default: `oidc`. */
  readonly id?: string;
  /** The name that people and operators read. Default: the issuer's host. */
  readonly name?: string;
  /** Further parameters of the authorization request, such as `{ access_type: "offline" }` at Google. */
  readonly authorizationParameters?: Readonly<Record<string, string>>;
  /**
   * The values of `prompt` that the provider knows, where it refuses others, as Google does. A client that wishes `login` gets
   * `select_account` where that is known. Default: every value goes to the provider.
   */
  readonly prompts?: readonly string[];
  /**
   * The claims that say who the user is. Default: `sub`, `preferred_username` and `email`. The claim `email` counts only where
   * `email_verified` is true, whatever it is taken for. Take a claim for `subject` only if it never changes and is never given to another user.
   */
  readonly claims?: { readonly subject?: string; readonly username?: string; readonly email?: string };
  /**
   * Whether the user's tokens are revoked at the provider when a login here is over. Give false where one revocation ends every
   * login of the user with this client there, as it does at Google: a person who ends one application keeps the others.
   * Default: true, where the provider has an endpoint for it.
   */
  readonly revocation?: boolean;
  /** Whether the userinfo endpoint is asked for claims that the ID token lacks, where there is one. Default: true. */
  readonly userinfo?: boolean;
  /**
   * Whether a user may log in: true, and nothing else, lets one in. A text is the reason why not, which the person reads.
   * For groups, domains, tenants.
   *
   * @example
   * ```ts
   * allow: (_, { hd }) => hd === "example.org" || "Log in with an account of example.org."
   * ```
   */
  readonly allow?: (identity: UpstreamIdentity, claims: UserClaims) => boolean | string | Promise<boolean | string>;
  /** The algorithm of ID tokens, where it is not the one that the discovery document or `RS256` says. */
  readonly idTokenSigningAlgorithm?: string;
  /** How far the identity provider's clock may be off, in seconds. Default: 30. */
  readonly clockToleranceSeconds?: number;
  /** The deadline of one call, in milliseconds. Clients give up after ten seconds. Default: 5000. */
  readonly timeout?: number;
  /** The `fetch` that calls the identity provider. Default: the global one. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

const optionKinds: OptionKinds<OpenIdConnectOptions> = {
  issuer: "any",
  clientId: "any",
  clientSecret: "any",
  privateKey: "any",
  privateKeyAlgorithm: "text",
  clientAuthentication: "any",
  scopes: "any",
  id: "any",
  name: "text",
  authorizationParameters: "object",
  prompts: "any",
  claims: "object",
  revocation: "boolean",
  userinfo: "boolean",
  allow: "function",
  idTokenSigningAlgorithm: "text",
  clockToleranceSeconds: "any",
  timeout: "any",
  fetch: "function",
};
const claimKinds: OptionKinds<IdentityClaims> = { subject: "text", username: "text", email: "text" };

/** What the metadata says of the signatures of ID tokens. */
interface SigningMetadata {
  readonly id_token_signing_alg_values_supported?: readonly string[];
}

/**
 * Any OpenID provider as the upstream of an `McpOAuthProvider`: discovery, PKCE, a nonce, ID tokens whose signature, issuer,
 * audience, nonce, algorithm and time are checked, refresh, and revocation where the provider has it. Needs `openid-client`.
 *
 * The redirect URI to register there is `<baseUrl>/<id>/callback`, by default `<baseUrl>/oidc/callback`.
 *
 * @throws {ConfigurationError} when an option is wrong; the message names it and says what it should be.
 * @see {@link https://openid.net/specs/openid-connect-core-1_0.html OpenID Connect Core 1.0}
 *
 * @example
 * ```ts
 * const provider = new McpOAuthProvider({
 *   baseUrl: "https://mcp.example.org",
 *   scopes: ["user"],
 *   upstream: openIdConnect({
 *     issuer: "https://id.example.org",
 *     clientId: "mcp",
 *     clientSecret: process.env.OIDC_CLIENT_SECRET ?? "",
 *     scopes: ["openid", "email", "offline_access"],
 *   }),
 * });
 * ```
 */
export function openIdConnect(options: OpenIdConnectOptions): Upstream {
  return new OpenIdConnect(options);
}

class OpenIdConnect implements Upstream {
  readonly id: string;
  readonly name: string;
  readonly issuer: string;
  readonly timeout: number;
  readonly scopes: readonly string[];
  readonly keyMaterial?: readonly string[];
  readonly #options: OpenIdConnectOptions;
  readonly #discovery: OpenIdDiscovery;
  readonly #requests: ClientRequests;

  constructor(options: OpenIdConnectOptions) {
    requireOptions("openIdConnect", options ?? null, optionKinds);
    requireOptions("openIdConnect", options.claims, claimKinds, "claims");
    const { clientSecret, privateKey, scopes = ["openid", "profile", "email"], timeout } = options;
    this.issuer = requireIssuerUrl("openIdConnect: issuer", options.issuer, "https://login.example.org");
    requireThat(
      !/^https:\/\/login\.microsoftonline\.com\/(?:common|organizations|consumers)(?:\/|$)/i.test(this.issuer),
      "openIdConnect: issuer is that of every tenant of Microsoft Entra, so anybody could log in: give that of one, https://login.microsoftonline.com/<Directory (tenant) ID>/v2.0, or use microsoftEntra({ tenant, … }).",
    );
    requireExactText("openIdConnect: clientId", options.clientId);
    requireThat(
      (clientSecret === undefined) !== (privateKey === undefined),
      "openIdConnect: give one of clientSecret and privateKey.",
    );
    if (clientSecret !== undefined) {
      this.keyMaterial = requireClientSecrets("openIdConnect", options.clientId, clientSecret);
    }
    for (const [name, claim] of Object.entries(options.claims ?? {})) {
      if (claim !== undefined) requireExactText(`openIdConnect: claims.${name}`, claim);
    }
    requireSigningAlgorithm("idTokenSigningAlgorithm", options.idTokenSigningAlgorithm);
    requireClientKey(options);
    requireSecretMethod("openIdConnect", options.clientAuthentication ?? "client_secret_basic");
    requireAuthorizationParameters("openIdConnect", options.authorizationParameters);
    if (options.prompts !== undefined) requireScopes("openIdConnect: prompts", options.prompts);
    this.scopes = requireScopes("openIdConnect: scopes", scopes);
    requireThat(this.scopes.includes("openid"), "openIdConnect: scopes must have openid among them.");
    this.timeout = requireDuration("openIdConnect: timeout", timeout, 5_000, 600_000, "milliseconds");
    requireDuration("openIdConnect: clockToleranceSeconds", options.clockToleranceSeconds, 30, 600, "seconds");
    this.id = options.id ?? "oidc";
    this.name = options.name ?? new URL(this.issuer).host;
    this.#options = options;
    this.#discovery = new OpenIdDiscovery({
      issuer: this.issuer,
      name: this.name,
      clientId: options.clientId,
      authentication: (client) => this.#authentication(client),
      idTokenSigningAlgorithm: options.idTokenSigningAlgorithm,
      clockTolerance: options.clockToleranceSeconds ?? 30,
      timeout: this.timeout,
      send: (request) => (options.fetch ?? fetch)(request),
    });
    this.#requests = new ClientRequests(this.name, () => this.#discovery.discover());
  }

  async prepare(): Promise<void> {
    await loadClient();
  }

  async diagnose(redirectUri: string): Promise<Finding[]> {
    const { diagnoseOpenId } = await import("./openid-diagnosis.ts");
    const { fetch: send = fetch } = this.#options;
    const { issuer, name, scopes, timeout } = this;
    return diagnoseOpenId({
      ...{ issuer, name, scopes, timeout, redirectUri, send },
      clock: Date.now,
      algorithmsOf: (metadata) => this.#algorithmsOf(metadata),
      ...inventedLogin(this, redirectUri),
    });
  }

  authorizationUrl(login: UpstreamLoginRequest): Promise<URL> {
    const { codeChallenge, loginHint } = login;
    const { authorizationParameters, prompts } = this.#options;
    const further = {
      ...authorizationParameters,
      nonce: nonceOf(codeChallenge),
      ...(loginHint !== undefined && { login_hint: loginHint }),
    };
    return this.#requests.authorizationUrl(login, this.scopes, further, prompts);
  }

  async exchange(exchange: UpstreamCodeExchange): Promise<UpstreamTokens> {
    const codeChallenge = createHash("sha256").update(exchange.codeVerifier).digest("base64url");
    const reply = await this.#requests.redeem(exchange, {
      expectedNonce: nonceOf(codeChallenge),
      idTokenExpected: true,
    });
    await this.#verifySignature(reply.id_token ?? "");
    return tokensOf(reply, Date.now());
  }

  refresh(refreshToken: string): Promise<UpstreamTokens> {
    return this.#requests.refresh(refreshToken);
  }

  /** By the claims of the ID token, which was checked when it came, and of the userinfo endpoint. */
  async identify({ token, idToken }: UpstreamTokens): Promise<UpstreamIdentity> {
    if (idToken === undefined) {
      throw new UpstreamRejectedError("server_error", `${this.name} gave no ID token: nobody knows who has logged in.`);
    }
    const { decodeJwt } = await import("jose");
    const fromToken = decodeJwt(idToken);
    const fromUserinfo = await this.#userinfo(token, fromToken.sub);
    // Whether an address is verified is said by the answer that has the address.
    const { email_verified } = fromToken.email === undefined ? fromUserinfo : fromToken;
    const claims = { ...fromUserinfo, ...fromToken, email_verified };
    const identity = claimedIdentity(claims, this.#options.claims ?? {}, this.name);
    await requireAllowed(this.#options.allow, identity, claims);
    return identity;
  }

  async revoke(tokens: UpstreamTokens): Promise<boolean> {
    return this.#options.revocation !== false && this.#requests.revoke(tokens);
  }

  async logoutUrl({ idToken }: UpstreamTokens, returnTo: string): Promise<URL | undefined> {
    const { client, configuration } = await this.#discovery.discover();
    if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
    return client.buildEndSessionUrl(configuration, {
      post_logout_redirect_uri: returnTo,
      ...(idToken !== undefined && { id_token_hint: idToken }),
    });
  }

  /**
   * openid-client has checked what the ID token says, not who signed it: it asks for new keys once a minute at most, and a
   * login whose code is redeemed cannot be begun again. Here the keys are asked for again whenever one is missing.
   */
  async #verifySignature(idToken: string): Promise<void> {
    const { configuration, jose, keys } = await this.#discovery.discover();
    const { clockToleranceSeconds = 30 } = this.#options;
    await this.#requests.ask("its keys", () =>
      jose.jwtVerify(idToken, keys, {
        algorithms: [...this.#algorithmsOf(configuration.serverMetadata())],
        issuer: configuration.serverMetadata().issuer,
        audience: this.#options.clientId,
        clockTolerance: clockToleranceSeconds,
      }),
    );
  }

  /** By which algorithms an ID token may be signed: never by a secret that is shared, and never by none. */
  #algorithmsOf({ id_token_signing_alg_values_supported: supported = ["RS256"] }: SigningMetadata): readonly string[] {
    const { idTokenSigningAlgorithm } = this.#options;
    const signing = supported.filter((algorithm) => /^(?:[RPE]S\d|Ed)/.test(algorithm));
    return idTokenSigningAlgorithm === undefined ? signing : [idTokenSigningAlgorithm];
  }

  async #userinfo(token: string, subject: string | undefined): Promise<UserClaims> {
    const { client, configuration } = await this.#discovery.discover();
    const isAsked = this.#options.userinfo !== false && configuration.serverMetadata().userinfo_endpoint !== undefined;
    if (!isAsked || subject === undefined) return {};
    return this.#requests.ask("its userinfo endpoint", () => client.fetchUserInfo(configuration, token, subject));
  }

  #authentication(client: Client): ClientAuth | Promise<ClientAuth> {
    const { clientAuthentication = "client_secret_basic", privateKey, privateKeyAlgorithm = "RS256" } = this.#options;
    if (privateKey !== undefined) return byPrivateKey(client, privateKey, privateKeyAlgorithm);
    return bySecret(client, clientAuthentication, this.keyMaterial?.[0] ?? "");
  }
}

/** The challenge belongs to one login, and only the browser of that login has what it was made from. */
function nonceOf(codeChallenge: string): string {
  return createHash("sha256").update(`nonce ${codeChallenge}`).digest("base64url");
}
