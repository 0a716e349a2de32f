import { createHash } from "node:crypto";
import type { Configuration } from "openid-client";
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
import { clientFailure } from "./client-failure.ts";
import type {
  Upstream,
  UpstreamCodeExchange,
  UpstreamIdentity,
  UpstreamLoginRequest,
  UpstreamTokens,
} from "./contract.ts";
import { invented, inventedChallenge } from "./login-probe.ts";
import { type Client, fetchFor, loadClient, tokensOf } from "./openid-client.ts";
import { requireSecrets } from "./upstream-secrets.ts";
import { requireAllowed } from "./who-may-log-in.ts";

/** What an identity provider says of a user, by the names of OpenID Connect or of its own. */
export type UserClaims = Readonly<Record<string, unknown>>;

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
   * The claims that say who the user is. Default: `sub`, `preferred_username` and `email`. The claim `email` counts only where
   * `email_verified` is true, whatever it is taken for. Take a claim for `subject` only if it never changes and is never given to another user.
   */
  readonly claims?: { readonly subject?: string; readonly username?: string; readonly email?: string };
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
  claims: "object",
  userinfo: "boolean",
  allow: "function",
  idTokenSigningAlgorithm: "text",
  clockToleranceSeconds: "any",
  timeout: "any",
  fetch: "function",
};
const claimKinds: OptionKinds<NonNullable<OpenIdConnectOptions["claims"]>> = {
  subject: "text",
  username: "text",
  email: "text",
};
const clientAuthentications = ["client_secret_basic", "client_secret_post"];

/** A discovery document is asked for again after this long, in milliseconds. */
const discoveryLifetime = 3_600_000;

/** What the metadata says of the signatures of ID tokens. */
interface SigningMetadata {
  readonly id_token_signing_alg_values_supported?: readonly string[];
}

/** The library for signatures, which is loaded with the first login. */
type Jose = typeof import("jose");

/** What discovery found, and when. */
interface Discovered {
  readonly client: Client;
  readonly jose: Jose;
  readonly configuration: Configuration;
  readonly keys: ReturnType<Jose["createRemoteJWKSet"]>;
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
  #discovery: { readonly found: Promise<Discovered>; readonly until: number } | undefined;

  constructor(options: OpenIdConnectOptions) {
    requireOptions("openIdConnect", options ?? null, optionKinds);
    requireOptions("openIdConnect", options.claims, claimKinds, "claims");
    const { clientSecret, privateKey, scopes = ["openid", "profile", "email"], timeout } = options;
    this.issuer = requireIssuerUrl("openIdConnect: issuer", options.issuer);
    requireExactText("openIdConnect: clientId", options.clientId);
    requireThat(
      (clientSecret === undefined) !== (privateKey === undefined),
      "openIdConnect: give one of clientSecret and privateKey.",
    );
    if (clientSecret !== undefined) this.keyMaterial = requireSecrets("openIdConnect: clientSecret", clientSecret);
    requireThat(
      clientAuthentications.includes(options.clientAuthentication ?? "client_secret_basic"),
      `openIdConnect: clientAuthentication must be one of ${clientAuthentications.join(", ")}.`,
    );
    requireAuthorizationParameters("openIdConnect", options.authorizationParameters);
    this.scopes = requireScopes("openIdConnect: scopes", scopes);
    requireThat(this.scopes.includes("openid"), "openIdConnect: scopes must have openid among them.");
    this.timeout = requireDuration("openIdConnect: timeout", timeout, 5_000, 600_000, "milliseconds");
    requireDuration("openIdConnect: clockToleranceSeconds", options.clockToleranceSeconds, 30, 600, "seconds");
    this.id = options.id ?? "oidc";
    this.name = options.name ?? new URL(this.issuer).host;
    this.#options = options;
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
      loginUrl: () => this.authorizationUrl({ state: invented, codeChallenge: inventedChallenge, redirectUri }),
      redeem: () => this.exchange({ code: invented, codeVerifier: invented, redirectUri, issuer }),
    });
  }

  async authorizationUrl(login: UpstreamLoginRequest): Promise<URL> {
    const { state, codeChallenge, redirectUri, prompt, loginHint } = login;
    const { client, configuration } = await this.#discover();
    return client.buildAuthorizationUrl(configuration, {
      ...this.#options.authorizationParameters,
      redirect_uri: redirectUri,
      scope: this.scopes.join(" "),
      state,
      code_challenge: codeChallenge,
      code_challenge_method: "S256",
      nonce: nonceOf(codeChallenge),
      ...(prompt !== undefined && { prompt }),
      ...(loginHint !== undefined && { login_hint: loginHint }),
    });
  }

  async exchange({ code, codeVerifier, redirectUri, issuer }: UpstreamCodeExchange): Promise<UpstreamTokens> {
    const { client, configuration } = await this.#discover();
    const answered = new URL(redirectUri);
    answered.search = new URLSearchParams({ code, ...(issuer !== undefined && { iss: issuer }) }).toString();
    const codeChallenge = createHash("sha256").update(codeVerifier).digest("base64url");
    const reply = await this.#ask("its token endpoint", () =>
      client.authorizationCodeGrant(configuration, answered, {
        pkceCodeVerifier: codeVerifier,
        expectedNonce: nonceOf(codeChallenge),
        idTokenExpected: true,
      }),
    );
    await this.#verifySignature(reply.id_token ?? "");
    return tokensOf(reply, Date.now());
  }

  async refresh(refreshToken: string): Promise<UpstreamTokens> {
    const { client, configuration } = await this.#discover();
    return this.#ask("its token endpoint", async () => ({
      refreshToken,
      ...tokensOf(await client.refreshTokenGrant(configuration, refreshToken), Date.now()),
    }));
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
    const identity = this.#identityOf(claims);
    await requireAllowed(this.#options.allow, identity, claims);
    return identity;
  }

  /** Revokes each token by itself (RFC 7009), where the provider has an endpoint for it; elsewhere they expire. */
  async revoke({ refreshToken, token }: UpstreamTokens): Promise<void> {
    const { client, configuration } = await this.#discover();
    if (configuration.serverMetadata().revocation_endpoint === undefined) return;
    const revocations = await Promise.allSettled(
      [refreshToken, token]
        .filter((each) => each !== undefined)
        .map((each) => this.#ask("its revocation endpoint", () => client.tokenRevocation(configuration, each))),
    );
    for (const revocation of revocations) if (revocation.status === "rejected") throw revocation.reason;
  }

  async logoutUrl({ idToken }: UpstreamTokens, returnTo: string): Promise<URL | undefined> {
    const { client, configuration } = await this.#discover();
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
    const { configuration, jose, keys } = await this.#discover();
    const { clockToleranceSeconds = 30 } = this.#options;
    await this.#ask("its keys", () =>
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

  #identityOf(claims: UserClaims): UpstreamIdentity {
    const { subject = "sub", username = "preferred_username", email = "email" } = this.#options.claims ?? {};
    // An address that nobody has verified may be anybody's, whatever it is taken for.
    const known = claims.email_verified === true ? claims : { ...claims, email: undefined };
    const texts = {
      subject: textOf(known[subject]),
      username: textOf(known[username]),
      email: textOf(known[email]),
    };
    if (texts.subject === undefined) {
      const advice = `Map another claim of openIdConnect: claims.subject; ${subject} is missing.`;
      throw new UpstreamRejectedError("server_error", `${this.name} does not say who has logged in.`, { advice });
    }
    return {
      subject: texts.subject,
      ...(texts.username !== undefined && { username: texts.username }),
      ...(texts.email !== undefined && { email: texts.email }),
    };
  }

  async #userinfo(token: string, subject: string | undefined): Promise<UserClaims> {
    const { client, configuration } = await this.#discover();
    const isAsked = this.#options.userinfo !== false && configuration.serverMetadata().userinfo_endpoint !== undefined;
    if (!isAsked || subject === undefined) return {};
    return this.#ask("its userinfo endpoint", () => client.fetchUserInfo(configuration, token, subject));
  }

  async #ask<T>(path: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw clientFailure(error, this.name, path);
    }
  }

  #discover(): Promise<Discovered> {
    const known = this.#discovery;
    if (known !== undefined && performance.now() < known.until) return known.found;
    const found = this.#discoverNow();
    const discovery = { found, until: performance.now() + discoveryLifetime };
    this.#discovery = discovery;
    found.catch(() => {
      // The next login asks again.
      if (this.#discovery === discovery) this.#discovery = undefined;
    });
    return found;
  }

  async #discoverNow(): Promise<Discovered> {
    const [client, jose] = await Promise.all([loadClient(), import("jose")]);
    const { clientId, clockToleranceSeconds = 30, fetch: send = fetch, idTokenSigningAlgorithm } = this.#options;
    const authentication = await this.#authentication(client, jose);
    const isLoopback = new URL(this.issuer).protocol === "http:";
    const configuration = await this.#ask("its discovery document", () =>
      client.discovery(
        new URL(this.issuer),
        clientId,
        {
          [client.clockTolerance]: clockToleranceSeconds,
          ...(idTokenSigningAlgorithm !== undefined && { id_token_signed_response_alg: idTokenSigningAlgorithm }),
        },
        authentication,
        {
          [client.customFetch]: fetchFor((request) => send(request)),
          timeout: this.timeout / 1_000,
          execute: isLoopback ? [client.allowInsecureRequests] : [],
        },
      ),
    );
    const { jwks_uri: keySet } = configuration.serverMetadata();
    if (keySet === undefined || !URL.canParse(keySet)) {
      throw new UpstreamRejectedError("server_error", `${this.name} does not publish the keys of its ID tokens.`);
    }
    const keys = jose.createRemoteJWKSet(new URL(keySet), {
      [jose.customFetch]: (url, { method, headers, redirect, signal }) =>
        send(new Request(url, { method, headers, redirect, signal })),
      timeoutDuration: this.timeout,
      // ID tokens come from the token endpoint alone: nobody else can make this server ask for keys.
      cooldownDuration: 0,
    });
    return { client, configuration, jose, keys };
  }

  async #authentication(client: Client, jose: Jose) {
    const { clientAuthentication, privateKey, privateKeyAlgorithm = "RS256" } = this.#options;
    if (privateKey === undefined) {
      const [secret = ""] = this.keyMaterial ?? [];
      return clientAuthentication === "client_secret_post"
        ? client.ClientSecretPost(secret)
        : client.ClientSecretBasic(secret);
    }
    if (typeof privateKey === "string")
      return client.PrivateKeyJwt(await jose.importPKCS8(privateKey, privateKeyAlgorithm));
    const { alg = privateKeyAlgorithm, kid } = privateKey;
    const key = await jose.importJWK({ ...privateKey }, String(alg));
    requireThat(!(key instanceof Uint8Array), "openIdConnect: privateKey must be an asymmetric key.");
    return client.PrivateKeyJwt(typeof kid === "string" ? { key, kid } : key);
  }
}

/** The challenge belongs to one login, and only the browser of that login has what it was made from. */
function nonceOf(codeChallenge: string): string {
  return createHash("sha256").update(`nonce ${codeChallenge}`).digest("base64url");
}

function textOf(claim: unknown): string | undefined {
  return typeof claim === "string" && claim.trim() !== "" ? claim : undefined;
}
