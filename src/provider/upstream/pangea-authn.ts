import { z } from "zod";
import { OAuthError, UpstreamRejectedError, UpstreamUnavailableError } from "../../errors.ts";
import type { PangeaAccessToken } from "../../records/pangea-access-token.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";

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
const introspectionSchema = z.object({
  active: z.boolean().optional(),
  sub: optionalText,
  username: optionalText,
  email: optionalText,
});
const errorSchema = z.object({ error: z.string().regex(/^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}$/) });

/** Who the user is, as far as Pangea AuthN says. */
export interface PangeaIdentity {
  /** The user's id (`pui_…`). */
  readonly subject?: string;
  readonly username?: string;
  readonly email?: string;
}

/** Pangea AuthN's OAuth server, seen from its client: this server (see the vendor's OpenAPI for `/v2/oauth`). */
export class PangeaAuthn {
  readonly #upstream: ProviderConfiguration["upstream"];
  readonly #redirectUri: string;
  readonly #clock: () => number;

  constructor(configuration: ProviderConfiguration) {
    this.#upstream = configuration.upstream;
    this.#redirectUri = `${configuration.baseUrl}/pangea/callback`;
    this.#clock = configuration.clock;
  }

  /** Where to send the browser to log in. */
  authorizationUrl(parameters: { readonly state: string; readonly codeChallenge: string }): URL {
    const url = new URL(`${this.#upstream.issuer}/v2/oauth/authorize`);
    url.search = new URLSearchParams({
      client_id: this.#upstream.clientId,
      redirect_uri: this.#redirectUri,
      response_type: "code",
      state: parameters.state,
      scope: this.#upstream.scopes.join(" "),
      code_challenge: parameters.codeChallenge,
      code_challenge_method: "S256",
    }).toString();
    return url;
  }

  /**
   * Redeems the authorization code of a login.
   *
   * @throws `UpstreamRejectedError` where Pangea AuthN refuses, `UpstreamUnavailableError` where it does not answer.
   */
  async exchange(code: string, codeVerifier: string): Promise<PangeaAccessToken> {
    return this.#token({
      grant_type: "authorization_code",
      code,
      redirect_uri: this.#redirectUri,
      code_verifier: codeVerifier,
    });
  }

  /** Redeems a refresh token; the reply may or may not carry a new one. Throws as `exchange` does. */
  async refresh(refreshToken: string): Promise<PangeaAccessToken> {
    const renewed = await this.#token({ grant_type: "refresh_token", refresh_token: refreshToken });
    return { refreshToken, ...renewed };
  }

  /**
   * Asks who a token belongs to (RFC 7662). Where the project's OAuth server does not answer introspection, the identity
   * is empty; an outage throws.
   *
   * @throws `OAuthError` with `access_denied` where the token is not active.
   */
  async identify(token: string): Promise<PangeaIdentity> {
    let reply: z.infer<typeof introspectionSchema>;
    try {
      reply = parse(introspectionSchema, await this.#post("/v2/oauth/token/introspect", { token }));
    } catch (failure) {
      if (failure instanceof UpstreamRejectedError) return {};
      throw failure;
    }
    if (reply.active === false)
      throw new OAuthError("access_denied", "Pangea AuthN says that the login is not active.");
    return {
      ...(reply.sub !== undefined && { subject: reply.sub }),
      ...(reply.username !== undefined && { username: reply.username }),
      ...(reply.email !== undefined && { email: reply.email }),
    };
  }

  /** Revokes a token (RFC 7009). Throws as `exchange` does. */
  async revoke(token: string): Promise<void> {
    await this.#post("/v2/oauth/token/revoke", { token });
  }

  async #token(form: Record<string, string>): Promise<PangeaAccessToken> {
    const reply = parse(tokenResponseSchema, await this.#post("/v2/oauth/token", form));
    const now = Math.floor(this.#clock() / 1000);
    return {
      token: reply.access_token,
      ...(reply.refresh_token !== undefined && { refreshToken: reply.refresh_token }),
      ...(typeof reply.expires_in === "number" && { expiresAt: now + reply.expires_in }),
      ...(reply.scope !== undefined && { scopes: reply.scope.split(" ").filter((scope) => scope !== "") }),
    };
  }

  async #post(path: string, form: Record<string, string>): Promise<unknown> {
    const { clientId, clientSecret, issuer, timeout } = this.#upstream;
    const basic = Buffer.from(`${formEncode(clientId)}:${formEncode(clientSecret)}`).toString("base64");
    let status: number;
    let retryAfter: string | null;
    let text: string;
    try {
      const response = await this.#upstream.fetch(
        new Request(`${issuer}${path}`, {
          method: "POST",
          headers: { accept: "application/json", authorization: `Basic ${basic}` },
          body: new URLSearchParams(form),
          redirect: "error",
          signal: AbortSignal.timeout(timeout),
        }),
      );
      status = response.status;
      retryAfter = response.headers.get("retry-after");
      text = await response.text();
    } catch (cause) {
      throw new UpstreamUnavailableError("Pangea AuthN did not answer; check pangeaAuthnIssuerUrl and the network.", {
        cause,
      });
    }
    const body = parseJson(text);
    const refusal = errorSchema.safeParse(body);
    if (status >= 500 || status === 429) {
      const seconds = Number(retryAfter ?? Number.NaN);
      throw new UpstreamUnavailableError(`Pangea AuthN answered with status ${status}; try again later.`, {
        ...(Number.isFinite(seconds) && seconds >= 0 && { retryAfterSeconds: seconds }),
      });
    }
    if (refusal.success || status >= 400) {
      const error = refusal.success ? refusal.data.error : "invalid_request";
      throw new UpstreamRejectedError(error, `Pangea AuthN refused ${path} with ${error} (status ${status}).`);
    }
    return body;
  }
}

/** RFC 6749 appendix B: client credentials are form-urlencoded before they go into the Basic scheme. */
function formEncode(text: string): string {
  return new URLSearchParams({ "": text }).toString().slice(1);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw new UpstreamUnavailableError("Pangea AuthN answered with something that is not an OAuth reply.");
}
