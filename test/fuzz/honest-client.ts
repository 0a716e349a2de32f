import { createHash } from "node:crypto";
import type { PangeaOAuthProvider } from "../../src/index.ts";
import { jsonOf } from "../support/json-of.ts";
import { joinCookies } from "../support/provider-harness.ts";
import { upstreamCode } from "./fuzzed-upstream.ts";

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

/** What a step of an honest login has led to. The fuzzer takes its valid values from here. */
export interface Progress {
  /** Who logs in: somebody else each time. */
  readonly user: string;
  readonly client: FuzzedClient;
  readonly page: { readonly sealed: string; readonly cookie: string };
  readonly login: { readonly state: string; readonly cookie: string };
  readonly code: string;
  readonly tokens: { readonly access: string; readonly refresh: string };
  /** The account page of the person, who is signed in, with a grant to end. */
  readonly account: { readonly cookie: string; readonly form: string; readonly grant: string };
  /** A login for the account page. */
  readonly signIn: { readonly state: string; readonly cookie: string };
}

/** Walks logins as a client and a person do who mean well. Every step must work whatever else is going on. */
export class HonestClient {
  readonly #provider: PangeaOAuthProvider;
  requests = 0;

  constructor(provider: PangeaOAuthProvider) {
    this.#provider = provider;
  }

  /** A whole login of a user, to a call with its token and a refresh, and to the page of what the user has allowed. */
  async logIn(user: string, confidential: boolean): Promise<Progress> {
    const client = await this.#register(confidential);
    const opened = await this.#open(client);
    const begun = await this.#allow(opened);
    const code = await this.#callBack(begun);
    const credentials = { client_id: client.id, ...(client.secret !== undefined && { client_secret: client.secret }) };
    const first = await this.#token({
      ...credentials,
      grant_type: "authorization_code",
      code,
      code_verifier: verifier,
    });
    const refresh = { ...credentials, grant_type: "refresh_token", refresh_token: first.refresh_token };
    const { access_token, refresh_token } = await this.#token(refresh);
    const info = await this.#provider.verifyAccessToken(access_token);
    if (info.clientId !== client.id) throw new Error("The token is another client's");
    // What a fuzzed request may use up is left: another page, login and code of the same client.
    const page = await this.#open(client);
    const login = await this.#allow(await this.#open(client));
    const spare = await this.#callBack(await this.#allow(await this.#open(client)));
    const signIn = await this.#signIn();
    const grant = await this.#grant(credentials, await this.#callBack(await this.#allow(await this.#open(client))));
    const account = { ...(await this.#openAccount(signIn)), grant };
    const tokens = { access: access_token, refresh: refresh_token };
    return { user, client, page, login, code: spare, tokens, account, signIn };
  }

  async #grant(credentials: Record<string, string>, code: string): Promise<string> {
    const form = { ...credentials, grant_type: "authorization_code", code, code_verifier: verifier };
    const info = await this.#provider.verifyAccessToken((await this.#token(form)).access_token);
    return String(info.extra.grantId);
  }

  async #signIn(): Promise<Progress["signIn"]> {
    const before = joinCookies("", await this.#send("/account", {}, 200));
    const body = new URLSearchParams({ action: "sign-in" });
    const headers = { cookie: before, origin: baseUrl };
    const response = await this.#send("/account", { method: "POST", headers, body }, 303);
    const state = new URL(response.headers.get("location") ?? "").searchParams.get("state");
    if (state === null) throw new Error("Pangea gets no state from the account page");
    return { state, cookie: joinCookies(before, response) };
  }

  /** Comes back signed in, and reads the page. */
  async #openAccount({ state, cookie: before }: Progress["signIn"]): Promise<Omit<Progress["account"], "grant">> {
    const path = `/pangea/callback?${new URLSearchParams({ state, code: upstreamCode })}`;
    const answer = await this.#send(path, { headers: { cookie: before } }, 302);
    const cookie = joinCookies(before, answer);
    const response = await this.#send("/account", { headers: { cookie } }, 200);
    const form = /name="form" value="([^"]+)"/.exec(await response.text())?.[1];
    if (form === undefined) throw new Error("The account page has no form in it");
    return { cookie, form };
  }

  async #register(confidential: boolean): Promise<FuzzedClient> {
    const metadata = {
      client_name: "Honest",
      redirect_uris: [redirectUri],
      grant_types: ["authorization_code", "refresh_token"],
      token_endpoint_auth_method: confidential ? "client_secret_post" : "none",
    };
    const headers = { "content-type": "application/json" };
    const response = await this.#send("/register", { method: "POST", headers, body: JSON.stringify(metadata) }, 201);
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
    const response = await this.#send(`/authorize?${parameters}`, {}, 200);
    const sealed = /name="request" value="([^"]+)"/.exec(await response.text())?.[1];
    if (sealed === undefined) throw new Error("The consent page has no request in it");
    return { sealed, cookie: joinCookies("", response) };
  }

  async #allow({ sealed, cookie }: Progress["page"]): Promise<Progress["login"]> {
    const body = new URLSearchParams({ request: sealed, decision: "allow" });
    const response = await this.#send("/consent", { method: "POST", headers: { cookie, origin: baseUrl }, body }, 303);
    const state = new URL(response.headers.get("location") ?? "").searchParams.get("state");
    if (state === null) throw new Error("Pangea gets no state");
    return { state, cookie: joinCookies(cookie, response) };
  }

  async #callBack({ state, cookie }: Progress["login"]): Promise<string> {
    const path = `/pangea/callback?${new URLSearchParams({ state, code: upstreamCode })}`;
    const response = await this.#send(path, { headers: { cookie } }, 302);
    const code = new URL(response.headers.get("location") ?? "").searchParams.get("code");
    if (code === null) throw new Error("The client gets no code");
    return code;
  }

  async #token(form: Record<string, string>): Promise<{ access_token: string; refresh_token: string }> {
    return jsonOf(await this.#send("/token", { method: "POST", body: new URLSearchParams(form) }, 200));
  }

  async #send(path: string, init: RequestInit, expected: number): Promise<Response> {
    this.requests += 1;
    const response = await this.#provider.fetch(new Request(baseUrl + path, init));
    if (response.status === expected) return response;
    throw new Error(`An honest request to ${path.split("?")[0]} got ${response.status}: ${await response.text()}`);
  }
}
