import type { ServerMetadata } from "openid-client";
import { UpstreamRejectedError } from "../../errors.ts";
import {
  type OptionKinds,
  requireDuration,
  requireExactText,
  requireHttpUrl,
  requireIssuerUrl,
  requireOptions,
  requireThat,
} from "../../option-checks.ts";
import type { Finding } from "../../storage/finding.ts";
import { parseJson } from "../oauth/parse-json.ts";
import { requireScopes } from "../oauth/scopes.ts";
import { requireAuthorizationParameters } from "./authorization-parameters.ts";
import { bySecret, requireSecretMethod } from "./client-authentication.ts";
import { ClientRequests, type OpenedClient } from "./client-requests.ts";
import type {
  Upstream,
  UpstreamCodeExchange,
  UpstreamIdentity,
  UpstreamLoginRequest,
  UpstreamTokens,
} from "./contract.ts";
import { inventedLogin } from "./login-probe.ts";
import { fetchFor, loadClient, tokensOf } from "./openid-client.ts";
import { requireClientSecrets } from "./upstream-secrets.ts";
import { requireAllowed } from "./who-may-log-in.ts";

/** What a function that says who a user is can ask with. */
export interface UserRequest {
  /** The user's access token. */
  readonly token: string;
  /**
   * Asks the provider's API with the user's token: a GET for JSON, within the deadline.
   *
   * @throws {UpstreamRejectedError} when the API refuses.
   * @throws {UpstreamUnavailableError} when it does not answer.
   */
  readonly get: (url: string | URL) => Promise<unknown>;
}

/** How a provider of OAuth 2.0 without OpenID Connect is reached, and how it says who a user is. */
export interface OAuth2Options {
  /** Names the callback, `/<id>/callback`, which is registered there, such as `github`. */
  readonly id: string;
  /** The name that people and operators read, such as `GitHub`. */
  readonly name: string;
  /** What names the provider, such as `https://github.com`. An `iss` in the callback has to be it. */
  readonly issuer: string | URL;
  /** Where a browser goes to log in. */
  readonly authorizationEndpoint: string | URL;
  /** Where codes and refresh tokens are redeemed. */
  readonly tokenEndpoint: string | URL;
  /** Where tokens are revoked (RFC 7009), where there is such an endpoint. */
  readonly revocationEndpoint?: string | URL;
  readonly clientId: string;
  /**
   * The client's secret. A list rotates: the first one is sent, and where the provider has no `secret` of its own, its keys
   * are derived from all.
   */
  readonly clientSecret: string | readonly string[];
  /** How the secret is sent. Default: `client_secret_post`. */
  readonly clientAuthentication?: "client_secret_basic" | "client_secret_post";
  /** The scopes that a login asks for. Default: none. */
  readonly scopes?: readonly string[];
  /** Further parameters of the authorization request. */
  readonly authorizationParameters?: Readonly<Record<string, string>>;
  /**
   * Says who the user is. `subject` must never change and never be given to another user: an id, not a name.
   *
   * @example
   * ```ts
   * identify: async ({ get }) => {
   *   const user = z.object({ id: z.number(), login: z.string() }).parse(await get("https://api.github.com/user"));
   *   return { subject: String(user.id), username: user.login };
   * }
   * ```
   */
  readonly identify: (user: UserRequest) => Promise<UpstreamIdentity>;
  /** Whether a user may log in: true, and nothing else, lets one in. A text is the reason why not, which the person reads. */
  readonly allow?: (identity: UpstreamIdentity, user: UserRequest) => boolean | string | Promise<boolean | string>;
  /** The deadline of one call, in milliseconds. Clients give up after ten seconds. Default: 5000. */
  readonly timeout?: number;
  /** The `fetch` that calls the provider. Default: the global one. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

const optionKinds: OptionKinds<OAuth2Options> = {
  id: "any",
  name: "any",
  issuer: "any",
  authorizationEndpoint: "any",
  tokenEndpoint: "any",
  revocationEndpoint: "any",
  clientId: "any",
  clientSecret: "any",
  clientAuthentication: "any",
  scopes: "any",
  authorizationParameters: "object",
  identify: "any",
  allow: "function",
  timeout: "any",
  fetch: "function",
};

/**
 * A provider of OAuth 2.0 without OpenID Connect, such as GitHub, as the upstream of an `McpOAuthProvider`. Needs
 * `openid-client`. The redirect URI to register there is `<baseUrl>/<id>/callback`.
 *
 * @throws {ConfigurationError} when an option is wrong; the message names it and says what it should be.
 * @see {@link https://www.rfc-editor.org/rfc/rfc6749 RFC 6749}
 *
 * @example
 * ```ts
 * const upstream = oAuth2(gitHub({ clientId: "Iv1.…", clientSecret: process.env.GITHUB_CLIENT_SECRET ?? "" }));
 * ```
 */
export function oAuth2(options: OAuth2Options): Upstream {
  return new OAuth2(options);
}

class OAuth2 implements Upstream {
  readonly id: string;
  readonly name: string;
  readonly issuer: string;
  readonly timeout: number;
  readonly scopes: readonly string[];
  readonly keyMaterial: readonly [string, ...string[]];
  readonly #options: OAuth2Options;
  readonly #requests: ClientRequests;
  readonly #metadata: ServerMetadata;

  constructor(options: OAuth2Options) {
    requireOptions("oAuth2", options ?? null, optionKinds);
    const { revocationEndpoint } = options;
    this.id = requireExactText("oAuth2: id", options.id);
    this.name = requireExactText("oAuth2: name", options.name);
    this.issuer = requireIssuerUrl("oAuth2: issuer", options.issuer, "https://login.example.org");
    this.keyMaterial = requireClientSecrets("oAuth2", options.clientId, options.clientSecret);
    this.#metadata = {
      issuer: this.issuer,
      authorization_endpoint: endpoint("authorizationEndpoint", options.authorizationEndpoint),
      token_endpoint: endpoint("tokenEndpoint", options.tokenEndpoint),
      ...(revocationEndpoint !== undefined && {
        revocation_endpoint: endpoint("revocationEndpoint", revocationEndpoint),
      }),
    };
    requireThat(
      typeof options.identify === "function",
      "oAuth2: identify must be a function that says who the user is.",
    );
    requireSecretMethod("oAuth2", options.clientAuthentication ?? "client_secret_post");
    requireAuthorizationParameters("oAuth2", options.authorizationParameters);
    this.scopes = requireScopes("oAuth2: scopes", options.scopes ?? []);
    this.timeout = requireDuration("oAuth2: timeout", options.timeout, 5_000, 600_000, "milliseconds");
    this.#options = options;
    this.#requests = new ClientRequests(this.name, () => this.#open());
  }

  async prepare(): Promise<void> {
    await loadClient();
  }

  async diagnose(redirectUri: string): Promise<Finding[]> {
    const { diagnoseOAuth2 } = await import("./oauth2-diagnosis.ts");
    const { fetch: send = fetch } = this.#options;
    const { name, scopes, timeout } = this;
    return diagnoseOAuth2({
      ...{ name, scopes, timeout, redirectUri, send },
      clock: Date.now,
      ...inventedLogin(this, redirectUri),
    });
  }

  authorizationUrl(login: UpstreamLoginRequest): Promise<URL> {
    const { loginHint } = login;
    return this.#requests.authorizationUrl(login, this.scopes, {
      ...this.#options.authorizationParameters,
      ...(loginHint !== undefined && { login: loginHint, login_hint: loginHint }),
    });
  }

  async exchange(exchange: UpstreamCodeExchange): Promise<UpstreamTokens> {
    return tokensOf(await this.#requests.redeem(exchange), Date.now());
  }

  refresh(refreshToken: string): Promise<UpstreamTokens> {
    return this.#requests.refresh(refreshToken);
  }

  async identify({ token }: UpstreamTokens): Promise<UpstreamIdentity> {
    const user: UserRequest = { token, get: (url) => this.#get(new URL(url), token) };
    const identity = await this.#requests.ask("its API", () => this.#options.identify(user));
    const subject: unknown = Object(identity).subject;
    if (typeof subject !== "string" || subject.trim() === "") {
      const advice = "identify of oAuth2() has to answer with a subject.";
      throw new UpstreamRejectedError("server_error", `${this.name} does not say who has logged in.`, { advice });
    }
    await requireAllowed(this.#options.allow, identity, user);
    return identity;
  }

  revoke(tokens: UpstreamTokens): Promise<boolean> {
    return this.#requests.revoke(tokens);
  }

  async #get(url: URL, token: string): Promise<unknown> {
    const { fetch: send = fetch } = this.#options;
    const request = new Request(url, {
      headers: { accept: "application/json", authorization: `Bearer ${token}`, "user-agent": "pangea-authn-fastmcp" },
      redirect: "error",
      signal: AbortSignal.timeout(this.timeout),
    });
    return this.#requests.ask("its API", async () => {
      const response = await send(request);
      if (response.ok) return parseJson(await response.text());
      const { status } = response;
      throw Object.assign(new Error(`status ${status}`), { status, response, error: "invalid_token" });
    });
  }

  /** Nothing has to be asked for: what discovery would find was given. */
  async #open(): Promise<OpenedClient> {
    const client = await loadClient();
    const { clientAuthentication = "client_secret_post", clientId, fetch: send = fetch } = this.#options;
    const authentication = bySecret(client, clientAuthentication, this.keyMaterial[0]);
    const configuration = new client.Configuration(this.#metadata, clientId, undefined, authentication);
    configuration[client.customFetch] = fetchFor(async (request) => withStatus(await send(request)));
    configuration.timeout = this.timeout / 1_000;
    if (this.#metadata.token_endpoint?.startsWith("http:")) client.allowInsecureRequests(configuration);
    return { client, configuration };
  }
}

/** What GitHub calls a code that is not good, by the name that RFC 6749 section 5.2 has for it. */
const standardErrors: Readonly<Record<string, string>> = {
  bad_verification_code: "invalid_grant",
  bad_refresh_token: "invalid_grant",
  incorrect_client_credentials: "invalid_client",
};

/** Some providers answer with an error and the status 200, and have names of their own for errors. */
async function withStatus(response: Response): Promise<Response> {
  if (response.status !== 200) return response;
  const text = await response.text();
  const body: unknown = parseJson(text);
  const { headers } = response;
  if (typeof body !== "object" || body === null || !("error" in body) || typeof body.error !== "string") {
    return new Response(text, { status: 200, headers });
  }
  const refusal = JSON.stringify({ error: standardErrors[body.error] ?? body.error });
  return new Response(refusal, { status: 400, headers: { "content-type": "application/json" } });
}

function endpoint(name: string, value: string | URL): string {
  return requireHttpUrl(`oAuth2: ${name}`, value, "https://login.example.org/token");
}
