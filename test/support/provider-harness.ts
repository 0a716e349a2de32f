import { createHash, randomBytes, randomUUID } from "node:crypto";
import { type McpOAuthProvider, PangeaOAuthProvider, type PangeaOAuthProviderOptions } from "../../src/index.ts";
import type { ProviderInternals } from "../../src/provider/configuration/internals.ts";
import { BrowserSession, type LoginOptions } from "./browser-session.ts";
import { jsonOf } from "./json-of.ts";

/** The settings that every provider under test needs; the upstream is an emulator. */
export function providerOptions(
  issuerUrl: string,
): PangeaOAuthProviderOptions & { readonly pangeaAuthnClientSecret: string } {
  return {
    mcpBaseUrl: "http://localhost:8000",
    mcpScopes: ["user", "admin"],
    pangeaAuthnIssuerUrl: issuerUrl,
    pangeaAuthnClientId: "psa_emulatoremulatoremulatoremulator",
    pangeaAuthnClientSecret: "pck_emulatoremulatoremulatoremulator",
    pangeaAuthnScopes: ["user"],
    logger: false,
    // Beside other tests a process may be too slow for what is asked of it, which is no answer to what is tried.
    overload: false,
  };
}

/** A PKCE pair (RFC 7636). */
export function pkce(): { readonly verifier: string; readonly challenge: string } {
  const verifier = randomBytes(32).toString("base64url");
  return { verifier, challenge: createHash("sha256").update(verifier).digest("base64url") };
}

/** A client's view of a provider, without a server in between: every request goes straight into `fetch`. */
export class ClientHarness<Provider extends McpOAuthProvider> {
  readonly provider: Provider;
  readonly baseUrl: string;
  readonly redirectUri = "http://127.0.0.1:4999/callback";

  constructor(provider: Provider, baseUrl: string) {
    this.provider = provider;
    this.baseUrl = baseUrl;
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.provider.fetch(new Request(`${this.baseUrl}${path}`, { headers }));
  }

  postForm(path: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> {
    const body = new URLSearchParams(form);
    return this.provider.fetch(new Request(`${this.baseUrl}${path}`, { method: "POST", body, headers }));
  }

  postJson(path: string, json: unknown): Promise<Response> {
    const headers = { "content-type": "application/json" };
    const body = typeof json === "string" ? json : JSON.stringify(json);
    return this.provider.fetch(new Request(`${this.baseUrl}${path}`, { method: "POST", body, headers }));
  }

  /** Registers a client; public unless said, and another one each time: the same metadata would be the same client. */
  async register(metadata: Record<string, unknown> = {}): Promise<{ client_id: string; client_secret?: string }> {
    const response = await this.postJson("/register", {
      redirect_uris: [this.redirectUri],
      token_endpoint_auth_method: "none",
      grant_types: ["authorization_code", "refresh_token"],
      client_name: "Test client",
      software_id: randomUUID(),
      ...metadata,
    });
    if (response.status !== 201) throw new Error(`registration: ${response.status} ${await response.text()}`);
    return jsonOf(response);
  }

  authorizePath(parameters: Record<string, string>): string {
    return `/authorize?${new URLSearchParams({
      response_type: "code",
      redirect_uri: this.redirectUri,
      code_challenge_method: "S256",
      state: "client-state",
      ...parameters,
    })}`;
  }

  /** Opens the authorization endpoint: the consent page, what it holds, and the cookies that came with it. */
  async openConsentPage(parameters: Record<string, string>, cookie = ""): Promise<ConsentPage> {
    const response = await this.get(this.authorizePath(parameters), { cookie });
    const html = await response.text();
    const sealed = /name="request" value="([^"]+)"/.exec(html)?.[1];
    if (sealed === undefined) throw new Error(`authorize: ${response.status} ${html}`);
    return { html, response, sealed, cookie: joinCookies(cookie, response) };
  }

  /** Answers a consent page. */
  decide(page: Pick<ConsentPage, "sealed" | "cookie">, decision: string, headers = {}): Promise<Response> {
    const { origin } = new URL(this.baseUrl);
    return this.postForm("/consent", { request: page.sealed, decision }, { origin, cookie: page.cookie, ...headers });
  }

  /** Allows the client; gives back where the browser is sent and the cookies to bring back. */
  async beginLogin(parameters: Record<string, string>, decision = "allow"): Promise<{ location: URL; cookie: string }> {
    const page = await this.openConsentPage(parameters);
    const response = await this.decide(page, decision);
    const location = response.headers.get("location");
    if (location === null) throw new Error(`consent: ${response.status} ${await response.text()}`);
    return { location: new URL(location), cookie: joinCookies(page.cookie, response) };
  }

  /** Logs in at Pangea AuthN; gives back the callback URL that the browser is sent to. */
  logInUpstream(location: URL, options: LoginOptions = {}): Promise<URL> {
    return new BrowserSession().login(location, { username: "ada@example.com", password: "password", ...options });
  }

  /** Follows the callback as the browser would. */
  async finishLogin(callback: URL, cookie: string): Promise<URL> {
    return (await this.followCallback(callback, cookie)).location;
  }

  /** Follows the callback; gives back what the browser has afterwards as well. */
  async followCallback(callback: URL, cookie: string): Promise<{ location: URL; cookie: string }> {
    const response = await this.provider.fetch(new Request(callback, { headers: { cookie } }));
    const location = response.headers.get("location");
    if (location === null) throw new Error(`callback: ${response.status} ${await response.text()}`);
    return { location: new URL(location), cookie: joinCookies(cookie, response) };
  }

  /** The whole login; gives back the URL that goes to the client. */
  async logIn(parameters: Record<string, string>, options: LoginOptions = {}): Promise<URL> {
    const { location, cookie } = await this.beginLogin(parameters);
    return this.finishLogin(await this.logInUpstream(location, options), cookie);
  }

  /** The whole flow of a public client, from registration to tokens. */
  async tokens(parameters: Record<string, string> = {}): Promise<IssuedTokens> {
    const { client_id } = await this.register();
    return this.tokensFor(client_id, parameters);
  }

  async tokensFor(
    clientId: string,
    parameters: Record<string, string> = {},
    login: LoginOptions = {},
  ): Promise<IssuedTokens> {
    const issued = await this.codeFor(clientId, parameters, login);
    const response = await this.redeem(issued);
    if (response.status !== 200) throw new Error(`token: ${response.status} ${await response.text()}`);
    return { ...issued, ...(await jsonOf(response)) };
  }

  /** The flow of a public client up to its code. */
  async codeFor(
    clientId: string,
    parameters: Record<string, string> = {},
    login: LoginOptions = {},
  ): Promise<IssuedCode> {
    const { verifier, challenge } = pkce();
    const redirect = await this.logIn({ client_id: clientId, code_challenge: challenge, ...parameters }, login);
    return { clientId, code: redirect.searchParams.get("code") ?? "", verifier };
  }

  /** Redeems a code as a public client does. */
  redeem({ clientId, code, verifier }: IssuedCode, changes: Record<string, string> = {}): Promise<Response> {
    return this.postForm("/token", {
      grant_type: "authorization_code",
      client_id: clientId,
      code,
      code_verifier: verifier,
      redirect_uri: this.redirectUri,
      ...changes,
    });
  }

  /** Redeems a refresh token as a public client does. */
  refresh(
    { clientId, refresh_token }: Pick<IssuedTokens, "clientId" | "refresh_token">,
    changes: Record<string, string> = {},
  ): Promise<Response> {
    return this.postForm("/token", { grant_type: "refresh_token", client_id: clientId, refresh_token, ...changes });
  }

  /** The status of a request to the MCP endpoint with this token. */
  async mcpStatus(token: string): Promise<number> {
    const headers = new Headers({ authorization: `Bearer ${token}` });
    const answer = await this.provider.authenticate({ headers });
    return answer instanceof Response ? answer.status : 200;
  }
}

/** A client's view of a provider whose upstream is an emulated Pangea AuthN. */
export class ProviderHarness extends ClientHarness<PangeaOAuthProvider> {
  /** @param internals - What stands in the place of timers, name servers and sockets. */
  constructor(options: PangeaOAuthProviderOptions, internals: ProviderInternals = {}) {
    super(new PangeaOAuthProvider(options, internals), String(options.mcpBaseUrl));
  }
}

/** A consent page and what a browser keeps of it. */
export interface ConsentPage {
  readonly html: string;
  readonly response: Response;
  readonly sealed: string;
  readonly cookie: string;
}

/** The `Cookie` header of a browser that had these cookies and got this response. */
export function joinCookies(before: string, response: Response): string {
  const cookies = new Map<string, string>();
  const received = response.headers.getSetCookie().map((line) => line.split(";")[0] ?? "");
  for (const pair of [...before.split("; "), ...received]) {
    const [name = "", value = ""] = pair.split(/=(.*)/s);
    if (value === "") cookies.delete(name);
    else cookies.set(name, value);
  }
  return [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
}

/** A code and what its client needs to redeem it. */
export interface IssuedCode {
  readonly clientId: string;
  readonly code: string;
  readonly verifier: string;
}

/** What a flow ended with. */
export interface IssuedTokens extends IssuedCode {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly scope: string;
  readonly token_type: string;
}
