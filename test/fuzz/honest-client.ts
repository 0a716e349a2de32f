import { createHash } from "node:crypto";
import type { McpOAuthProvider } from "../../src/index.ts";
import { jsonOf } from "../support/json-of.ts";
import { joinCookies } from "../support/provider-harness.ts";
import { logInUpstream, type UpstreamAnswer, type UpstreamId, upstreamOf } from "./fuzzed-upstream.ts";

/** Where the provider under test is served. */
export const baseUrl = "http://localhost:8000";
/** Where its clients wait. */
export const redirectUri = "http://127.0.0.1:4999/callback";
/** The verifier of every request, and its challenge. */
export const verifier = "v".repeat(43);
export const challenge = createHash("sha256").update(verifier).digest("base64url");

/** A registered client. */
export interface FuzzedClient {
  readonly id: string;
  readonly secret: string | undefined;
}

/** What the browser has from an upstream, and what it kept meanwhile. */
export interface LoggedInUpstream extends UpstreamAnswer {
  readonly cookie: string;
}

/** The account page of a person who is signed in, with a grant to end. */
export interface OpenAccount {
  readonly cookie: string;
  readonly form: string;
  readonly grant: string;
}

/** What a step of an honest login has led to. The fuzzer takes its valid values from here. */
export interface Progress {
  /** Who logs in: somebody else each time. */
  readonly user: string;
  /** Where the person logs in. */
  readonly upstream: UpstreamId;
  /** Chosen by the person beside the answer, where there are several upstreams to choose from: `:oidc`. */
  readonly choice: string;
  readonly client: FuzzedClient;
  readonly page: { readonly sealed: string; readonly cookie: string };
  readonly login: LoggedInUpstream;
  readonly code: string;
  readonly tokens: { readonly access: string; readonly refresh: string };
  /** The cookies of a browser that remembers that the client was allowed. */
  readonly remembered: string;
  readonly account: OpenAccount;
  /** The account of somebody else with this client, whose session may end at any time. */
  readonly passing: OpenAccount;
  /** A login for the account page. */
  readonly signIn: LoggedInUpstream;
}

/** How a person of an honest login is met. */
export interface HonestLogin {
  readonly user: string;
  readonly upstream: UpstreamId;
  /** Whether the client has a secret. */
  readonly isConfidential: boolean;
}

/** Walks logins as a client and a person do who mean well. Every step must work whatever else is going on. */
export class HonestClient {
  readonly #send: (request: Request) => Promise<Response>;
  readonly #provider: () => Pick<McpOAuthProvider, "verifyAccessToken">;
  readonly #choosesUpstream: boolean;
  requests = 0;

  /** @param provider - The one that runs at the moment. */
  constructor(provider: () => McpOAuthProvider, choosesUpstream: boolean) {
    this.#send = (request) => provider().fetch(request);
    this.#provider = provider;
    this.#choosesUpstream = choosesUpstream;
  }

  /** A whole login of a user, to a call with its token and a refresh, and to the page of what the user has allowed. */
  async logIn({ user, upstream, isConfidential }: HonestLogin): Promise<Progress> {
    const choice = this.#choosesUpstream ? `:${upstream}` : "";
    const client = await this.#register(isConfidential);
    const credentials = { client_id: client.id, ...(client.secret !== undefined && { client_secret: client.secret }) };
    const allow = async (person = user) => this.#allow(await this.#open(client), choice, person);
    const first = await this.#redeem(credentials, await this.#callBack(upstream, await allow()));
    const refresh = { ...credentials, grant_type: "refresh_token", refresh_token: first.refresh_token };
    const { access_token, refresh_token } = await this.#token(refresh);
    const info = await this.#provider().verifyAccessToken(access_token);
    if (info.clientId !== client.id) throw new Error("The token is another client's");
    // What a fuzzed request may use up is left: another page, login and code of the same client.
    const page = await this.#open(client);
    const login = await allow();
    const { code } = await this.#callBack(upstream, await allow());
    const signIn = await this.#signIn(choice, user);
    const { grant, cookie: remembered } = await this.#grant(credentials, await this.#callBack(upstream, await allow()));
    const account = { ...(await this.#openAccount(upstream, signIn)), grant };
    const passer = `${user}-passing`;
    const passersGrant = await this.#grant(credentials, await this.#callBack(upstream, await allow(passer)));
    const passing = {
      ...(await this.#openAccount(upstream, await this.#signIn(choice, passer))),
      grant: passersGrant.grant,
    };
    const tokens = { access: access_token, refresh: refresh_token };
    return { user, upstream, choice, client, page, login, code, tokens, remembered, account, passing, signIn };
  }

  async #grant(
    credentials: Record<string, string>,
    { code, cookie }: { readonly code: string; readonly cookie: string },
  ): Promise<{ readonly grant: string; readonly cookie: string }> {
    const info = await this.#provider().verifyAccessToken((await this.#redeem(credentials, { code })).access_token);
    return { grant: String(info.extra.grantId), cookie };
  }

  #redeem(credentials: Record<string, string>, { code }: { readonly code: string }) {
    return this.#token({ ...credentials, grant_type: "authorization_code", code, code_verifier: verifier });
  }

  async #signIn(choice: string, user: string): Promise<LoggedInUpstream> {
    const before = joinCookies("", await this.#request("/account", {}, 200));
    const body = new URLSearchParams({ action: `sign-in${choice}` });
    const headers = { cookie: before, origin: baseUrl };
    return this.#goUpstream(before, await this.#request("/account", { method: "POST", headers, body }, 303), user);
  }

  /** Comes back signed in, and reads the page. */
  async #openAccount(upstream: UpstreamId, signIn: LoggedInUpstream): Promise<Omit<OpenAccount, "grant">> {
    const answer = await this.#request(callbackOf(upstream, signIn), { headers: { cookie: signIn.cookie } }, 302);
    const cookie = joinCookies(signIn.cookie, answer);
    const response = await this.#request("/account", { headers: { cookie } }, 200);
    const form = /name="form" value="([^"]+)"/.exec(await response.text())?.[1];
    if (form === undefined) throw new Error("The account page has no form in it");
    return { cookie, form };
  }

  async #register(isConfidential: boolean): Promise<FuzzedClient> {
    const metadata = {
      client_name: "Honest",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: isConfidential ? "client_secret_post" : "none",
    };
    const headers = { "content-type": "application/json" };
    const response = await this.#request("/register", { method: "POST", headers, body: JSON.stringify(metadata) }, 201);
    const { client_id: id, client_secret: secret } = await jsonOf(response);
    return { id, secret };
  }

  async #open(client: FuzzedClient): Promise<Progress["page"]> {
    const parameters = new URLSearchParams({
      response_type: "code",
      client_id: client.id,
      redirect_uri: redirectUri,
      code_challenge: challenge,
      code_challenge_method: "S256",
    });
    const response = await this.#request(`/authorize?${parameters}`, {}, 200);
    const sealed = /name="request" value="([^"]+)"/.exec(await response.text())?.[1];
    if (sealed === undefined) throw new Error("The consent page has no request in it");
    return { sealed, cookie: joinCookies("", response) };
  }

  async #allow({ sealed, cookie }: Progress["page"], choice: string, user: string): Promise<LoggedInUpstream> {
    const body = new URLSearchParams({ request: sealed, decision: `allow${choice}` });
    const headers = { cookie, origin: baseUrl };
    return this.#goUpstream(cookie, await this.#request("/consent", { method: "POST", headers, body }, 303), user);
  }

  #goUpstream(before: string, response: Response, user: string): LoggedInUpstream {
    const location = new URL(response.headers.get("location") ?? "");
    if (upstreamOf(location) === undefined) throw new Error(`The browser was sent to ${location.origin}`);
    return { ...logInUpstream(location, user), cookie: joinCookies(before, response) };
  }

  async #callBack(upstream: UpstreamId, login: LoggedInUpstream): Promise<{ code: string; cookie: string }> {
    const response = await this.#request(callbackOf(upstream, login), { headers: { cookie: login.cookie } }, 302);
    const code = new URL(response.headers.get("location") ?? "").searchParams.get("code");
    if (code === null) throw new Error(`The client gets no code: ${response.headers.get("location")}`);
    return { code, cookie: joinCookies(login.cookie, response) };
  }

  async #token(form: Record<string, string>): Promise<{ access_token: string; refresh_token: string }> {
    return jsonOf(await this.#request("/token", { method: "POST", body: new URLSearchParams(form) }, 200));
  }

  async #request(path: string, init: RequestInit, expected: number): Promise<Response> {
    this.requests += 1;
    const response = await this.#send(new Request(baseUrl + path, init));
    if (response.status === expected) return response;
    throw new Error(`An honest request to ${path.split("?")[0]} got ${response.status}: ${await response.text()}`);
  }
}

function callbackOf(upstream: UpstreamId, { state, code, iss }: UpstreamAnswer): string {
  return `/${upstream}/callback?${new URLSearchParams({ state, code, ...(iss !== undefined && { iss }) })}`;
}
