import { randomBytes } from "node:crypto";
import { z } from "zod";
import { OAuthError, UpstreamRejectedError, UpstreamUnavailableError } from "../../errors.ts";
import { type OptionKinds, requireDuration, requireKind, requireOptions, requireThat } from "../../option-checks.ts";
import type { Finding } from "../../storage/finding.ts";
import { tlsFaultOf } from "../../storage/tls-failure.ts";
import { parseJson } from "../oauth/parse-json.ts";
import { requireScopes } from "../oauth/scopes.ts";
import { tokensIn } from "./answered-tokens.ts";
import type {
  Upstream,
  UpstreamCodeExchange,
  UpstreamIdentity,
  UpstreamLoginRequest,
  UpstreamTokens,
} from "./contract.ts";
import { type AnswerHead, describeAnswer } from "./foreign-answer.ts";
import { requireHostedLoginUrl, requireOAuthClient } from "./pangea-settings.ts";
import { revokeEach } from "./revoke-each.ts";

/** How Pangea AuthN is reached, and as which of its OAuth clients. */
export interface PangeaAuthnOptions {
  /** The Hosted Login URL of the Pangea AuthN project, such as `https://pdn-….login.aws.us.pangea.cloud`. */
  readonly issuerUrl: string | URL;
  /** The id (`psa_…`) of the OAuth client that was made for this server in the Pangea console. */
  readonly clientId: string;
  /**
   * The secret (`pck_…`) of that client. Where the provider has no `secret` of its own, its keys follow from this one, so a
   * list rotates without ending a login: the first one is sent to Pangea AuthN, keys are derived from all of them.
   *
   * @example
   * ```ts
   * clientSecret: [newSecret, oldSecret] // from the moment when Pangea AuthN takes the new one
   * ```
   */
  readonly clientSecret: string | readonly string[];
  /** The scopes to ask Pangea AuthN for. */
  readonly scopes: readonly string[];
  /** The deadline of one call, in milliseconds. Clients give up after ten seconds. Default: 5000. */
  readonly timeout?: number | undefined;
  /** The `fetch` that calls Pangea AuthN. Default: the global one. */
  readonly fetch?: ((request: Request) => Promise<Response>) | undefined;
  /** The time in milliseconds since the epoch. Default: `Date.now`. */
  readonly clock?: (() => number) | undefined;
}

const optionKinds: OptionKinds<PangeaAuthnOptions> = {
  issuerUrl: "any",
  clientId: "any",
  clientSecret: "any",
  scopes: "any",
  timeout: "any",
  fetch: "function",
  clock: "function",
};

const optionalText = z
  .string()
  .nullish()
  .transform((value) => value ?? undefined);
const tokenResponseSchema = z.object({
  access_token: z.string().min(1),
  token_type: z.string().refine((type) => type.toLowerCase() === "bearer"),
  expires_in: z.number().positive().nullish(),
  refresh_token: optionalText,
  scope: optionalText,
});
/** RFC 7662 section 2.2: what has no `active` says nothing of anybody. */
const introspectionSchema = z.object({ active: z.boolean() });
/** An identity of another form says nothing, however often it is asked for: it is no outage. */
const identitySchema = z
  .object({ sub: optionalText, username: optionalText, email: optionalText })
  .catch({ sub: undefined, username: undefined, email: undefined });
const errorSchema = z.object({ error: z.string().regex(/^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}$/) });

/**
 * Pangea AuthN as the upstream of an `McpOAuthProvider`. Its callback is `/pangea/callback` below the provider's base
 * URL.
 *
 * @throws {ConfigurationError} when an option is wrong; the message names it and says what it should be.
 *
 * @example
 * ```ts
 * const upstream = pangeaAuthn({
 *   issuerUrl: "https://pdn-….login.aws.us.pangea.cloud",
 *   clientId: "psa_…",
 *   clientSecret: process.env.PANGEA_AUTHN_CLIENT_SECRET,
 *   scopes: ["user"],
 * });
 * ```
 */
export function pangeaAuthn(options: PangeaAuthnOptions): Upstream {
  requireThat(options !== undefined, "pangeaAuthn takes an object of options.");
  requireOptions("pangeaAuthn", options, optionKinds);
  return new PangeaAuthn(options, (option) => `pangeaAuthn: ${option}`);
}

/** An answer of Pangea AuthN that says yes. */
interface Answer extends AnswerHead {
  readonly path: string;
  /** Undefined where it is no JSON. */
  readonly body: unknown;
}

/** Pangea AuthN's OAuth server, seen from its client: this server (see the vendor's OpenAPI for `/v2/oauth`). */
export class PangeaAuthn implements Upstream {
  readonly id = "pangea";
  readonly name = "Pangea AuthN";
  readonly issuer: string;
  readonly timeout: number;
  readonly #options: PangeaAuthnOptions;
  readonly #secrets: readonly [string, ...string[]];
  readonly #nameOf: (option: keyof PangeaAuthnOptions) => string;

  /**
   * @param nameOf - The name that a message gives an option.
   * @throws {ConfigurationError} when an option is wrong.
   */
  constructor(options: PangeaAuthnOptions, nameOf: (option: keyof PangeaAuthnOptions) => string) {
    this.issuer = requireHostedLoginUrl(nameOf("issuerUrl"), options.issuerUrl);
    requireKind(nameOf("fetch"), options.fetch, "function");
    this.timeout = requireDuration(nameOf("timeout"), options.timeout, 5000, 600_000, "milliseconds");
    this.#secrets = requireOAuthClient(options, nameOf);
    const scopes = requireScopes(nameOf("scopes"), options.scopes);
    requireThat(scopes.length > 0, `${nameOf("scopes")} needs one scope at least, such as "user".`);
    this.#options = { ...options, scopes };
    this.#nameOf = nameOf;
  }

  get scopes(): readonly string[] {
    return this.#options.scopes;
  }

  /** All instances share the client secret already. Pangea makes it from 160 random bits. */
  get keyMaterial(): readonly string[] {
    return this.#secrets;
  }

  authorizationUrl({ state, codeChallenge, redirectUri, prompt, loginHint }: UpstreamLoginRequest): URL {
    const url = new URL(`${this.issuer}/v2/oauth/authorize`);
    url.search = new URLSearchParams({
      client_id: this.#options.clientId,
      redirect_uri: redirectUri,
      response_type: "code",
      state,
      scope: this.#options.scopes.join(" "),
      code_challenge: codeChallenge,
      code_challenge_method: "S256",
      ...(prompt !== undefined && { prompt }),
      ...(loginHint !== undefined && { login_hint: loginHint }),
    }).toString();
    return url;
  }

  async exchange({ code, codeVerifier, redirectUri, noteTokens }: UpstreamCodeExchange): Promise<UpstreamTokens> {
    let date: string | null = null;
    const form = { grant_type: "authorization_code", code, redirect_uri: redirectUri, code_verifier: codeVerifier };
    const tokens = await this.#token(form, (headers, body) => {
      date = headers.get("date");
      const given = tokensIn(body);
      if (given !== undefined) noteTokens?.(given);
    });
    const answeredAt = Date.parse(date ?? "") / 1000;
    return { ...tokens, ...(Number.isFinite(answeredAt) && { answeredAt }) };
  }

  /** The reply may or may not carry a new refresh token; without one the old one stays good. */
  async refresh(refreshToken: string): Promise<UpstreamTokens> {
    return { refreshToken, ...(await this.#token({ grant_type: "refresh_token", refresh_token: refreshToken })) };
  }

  /**
   * Asks by introspection (RFC 7662). Whoever is not said to be an active user is nobody, and is not logged in: without a
   * subject no consent, no revocation and no audit could tell this user from another.
   */
  async identify({ token }: UpstreamTokens): Promise<UpstreamIdentity> {
    const path = "/v2/oauth/token/introspect";
    const id = this.#nameOf("clientId");
    const mayNot = `Let the OAuth client of ${id} introspect tokens (${path}) in the Pangea console.`;
    const { body } = await this.#post(path, { token }, mayNot);
    const { active } = introspectionSchema.safeParse(body).data ?? {};
    if (active === false) throw new OAuthError("access_denied", "Pangea AuthN says that the login is not active.");
    const { sub, username, email } = identitySchema.safeParse(body).data ?? {};
    if (active !== true || sub === undefined || sub === "") {
      const advice = `${path} of ${this.#nameOf("issuerUrl")} has to answer with active: true and a sub; take a client for ${id} that logs people in.`;
      throw new UpstreamRejectedError("server_error", "Pangea AuthN does not say who has logged in.", { advice });
    }
    return { subject: sub, ...(username !== undefined && { username }), ...(email !== undefined && { email }) };
  }

  revoke(tokens: UpstreamTokens): Promise<void> {
    return revokeEach(tokens, async (token) => void (await this.#post("/v2/oauth/token/revoke", { token })));
  }

  /**
   * The hosted logout page, which ends the browser's session at Pangea AuthN. Its address and parameters are those of the
   * vendor's browser client (`redirectOnLogout` of `@pangeacyber/react-auth`). `returnTo` has to be among the project's
   * redirect settings.
   */
  async logoutUrl(_tokens: UpstreamTokens, returnTo: string): Promise<URL> {
    const url = new URL(`${this.issuer}/logout`);
    url.search = new URLSearchParams({
      redirect_uri: returnTo,
      state: randomBytes(16).toString("base64url"),
    }).toString();
    return url;
  }

  /** What is wrong with this server's OAuth client where a login comes back with one of these errors. */
  readonly adviceFor = (error: string): string | undefined => {
    const scopes = this.#options.scopes.join(" ");
    const known: Readonly<Record<string, string>> = {
      invalid_scope: `Give the OAuth client of ${this.#nameOf("clientId")} the scopes ${scopes} in the Pangea console, or take other ones for ${this.#nameOf("scopes")}.`,
      unauthorized_client: `Let the OAuth client of ${this.#nameOf("clientId")} use the grant type Authorization Code in the Pangea console.`,
      unsupported_response_type: `Let the OAuth client of ${this.#nameOf("clientId")} use the response type Code in the Pangea console.`,
    };
    return Object.hasOwn(known, error) ? known[error] : undefined;
  };

  async diagnose(redirectUri: string): Promise<Finding[]> {
    const { diagnosePangea } = await import("./pangea-diagnosis.ts");
    const { clientId, scopes, fetch: send = fetch, clock = Date.now } = this.#options;
    const names = {
      issuerUrl: this.#nameOf("issuerUrl"),
      clientId: this.#nameOf("clientId"),
      clientSecret: this.#nameOf("clientSecret"),
      scopes: this.#nameOf("scopes"),
    };
    const post = async (path: string, form: Record<string, string>) => (await this.#post(path, form)).body;
    const { issuer, timeout } = this;
    return diagnosePangea({ issuer, clientId, scopes, redirectUri, timeout, clock, names, send, post });
  }

  async #token(
    form: Record<string, string>,
    look?: (headers: Headers, body: unknown) => void,
  ): Promise<UpstreamTokens> {
    const reply = this.#parse(tokenResponseSchema, await this.#post("/v2/oauth/token", form, undefined, look));
    const { clock = Date.now } = this.#options;
    const { access_token: token, refresh_token: refreshToken, expires_in: lifetime, scope } = reply;
    return {
      token,
      ...(refreshToken !== undefined && { refreshToken }),
      ...(typeof lifetime === "number" && { expiresAt: Math.floor(clock() / 1000) + lifetime }),
      ...(scope !== undefined && { scopes: scope.split(" ").filter((value) => value !== "") }),
    };
  }

  /**
   * @param advice - What an operator can change where Pangea AuthN refuses this request and nothing else.
   * @param look - Sees what was answered before anything is made of it.
   * @throws {UpstreamUnavailableError} when what answers is no OAuth server, such as a page of maintenance.
   * @throws {UpstreamRejectedError} when Pangea AuthN says no.
   */
  async #post(
    path: string,
    form: Record<string, string>,
    advice?: string,
    look?: (headers: Headers, body: unknown) => void,
  ): Promise<Answer> {
    const { status, headers, body, isEmpty } = await this.#send(path, form);
    look?.(headers, body);
    if (status >= 500 || status === 429) {
      const seconds = Number(headers.get("retry-after") ?? Number.NaN);
      throw new UpstreamUnavailableError(`Pangea AuthN answered ${path} with status ${status}; try again later.`, {
        ...(Number.isFinite(seconds) && seconds >= 0 && { retryAfterSeconds: seconds }),
      });
    }
    const answer = { path, status, headers, body };
    const refusal = errorSchema.safeParse(body).data;
    const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
    // A revocation is answered without a body (RFC 7009 section 2.2).
    const isReply = isObject || (isEmpty && status === 200 && path.endsWith("/revoke"));
    if (!isReply || (status >= 300 && status < 400)) throw this.#noReply(answer);
    if (refusal === undefined && status < 400) return answer;
    // What is no error of OAuth's says nothing of the request.
    const { error } = refusal ?? { error: "server_error" };
    const credentials = `Check ${this.#nameOf("clientId")} and ${this.#nameOf("clientSecret")}.`;
    const known = [...(error === "invalid_client" ? [credentials] : []), ...(advice === undefined ? [] : [advice])];
    throw new UpstreamRejectedError(error, `Pangea AuthN refused ${path} with ${error} (status ${status}).`, {
      ...(known.length > 0 && { advice: known.join(" ") }),
    });
  }

  #parse<T>(schema: z.ZodType<T>, answer: Answer): T {
    const parsed = schema.safeParse(answer.body);
    if (parsed.success) return parsed.data;
    throw this.#noReply(answer);
  }

  /** Something in front of Pangea AuthN has answered, or the address is another site's. */
  #noReply(answer: Answer): UpstreamUnavailableError {
    return new UpstreamUnavailableError(
      `Pangea AuthN answered ${answer.path} with what is no reply of OAuth: ${describeAnswer(answer)}. Compare ${this.#nameOf("issuerUrl")} with the Hosted Login URL in the Pangea console, and see what answers in its place, such as a proxy, a login page or a page of maintenance.`,
    );
  }

  async #send(path: string, form: Record<string, string>) {
    const { clientId, fetch: send = fetch } = this.#options;
    const basic = Buffer.from(`${formEncode(clientId)}:${formEncode(this.#secrets[0])}`).toString("base64");
    const request = new Request(this.issuer + path, {
      method: "POST",
      headers: { accept: "application/json", authorization: `Basic ${basic}` },
      body: new URLSearchParams(form),
      // Followed nowhere: where it leads to gets no secret.
      redirect: "manual",
      signal: AbortSignal.timeout(this.timeout),
    });
    try {
      const response = await send(request);
      const { status, headers } = response;
      const text = await response.text();
      return { status, headers, body: parseJson(text), isEmpty: text.trim() === "" };
    } catch (cause) {
      const fault = tlsFaultOf(cause, this.issuer);
      const message =
        fault === undefined
          ? "Pangea AuthN did not answer; check its issuer URL and the network."
          : `The connection to Pangea AuthN failed (${fault.code}). ${fault.advice}`;
      throw new UpstreamUnavailableError(message, { cause });
    }
  }
}

/** RFC 6749 appendix B: client credentials are form-urlencoded before they go into the Basic scheme. */
function formEncode(text: string): string {
  return new URLSearchParams({ "": text }).toString().slice(1);
}
