import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { OAuthError, UnsealableError, UpstreamRejectedError } from "../../errors.ts";
import { authorizationCodeKey, grantIdOfCode } from "../../records/keys.ts";
import type { PangeaAccessToken } from "../../records/pangea-access-token.ts";
import { SealedJson } from "../../secrets/sealed-json.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import { GrantKey } from "../grants/grant-key.ts";
import { formatOpaqueToken } from "../oauth/opaque-token.ts";
import { reportedOAuthError } from "../oauth-failure.ts";
import type { PangeaAuthn } from "../upstream/pangea-authn.ts";
import { type AuthorizationRequest, AuthorizationRequestSchema } from "./authorization-request.ts";
import type { AllowedRequest } from "./consent.ts";

/** A cookie holds 4096 bytes with its name and attributes (RFC 6265 section 6.1). */
const maxTransactionLength = 3800;

/** What has to be known again when the browser comes back from Pangea AuthN. It travels sealed, in a cookie. */
const transactionSchema = z.object({
  request: AuthorizationRequestSchema,
  upstreamVerifier: z.string(),
  expiresAt: z.number(),
});
type LoginTransaction = z.output<typeof transactionSchema>;

/** The beginning of a login: where the browser goes, and what it must bring back. */
export interface BegunLogin {
  readonly location: URL;
  /** The `state` that goes to Pangea AuthN and comes back in the callback. */
  readonly state: string;
  /** The sealed transaction: to be kept by this browser, under a name that belongs to `state`. */
  readonly transaction: string;
  readonly maxAgeSeconds: number;
}

/** The end of a login. */
export interface CompletedLogin {
  /** Where the browser goes: the client's redirect URI, with a code or with an error. */
  readonly location: URL;
  /** What the person allowed and then logged in for; undefined where the login failed. */
  readonly allowed: AllowedRequest | undefined;
}

/** The parameters that Pangea AuthN sends the browser back with. */
export interface CallbackParameters {
  readonly state: string;
  readonly code: string | undefined;
  readonly error: string | undefined;
  readonly issuer: string | undefined;
}

/**
 * Logs a user in at Pangea AuthN on behalf of a client. Nothing is stored until Pangea AuthN has said yes: the
 * transaction is sealed and kept by the browser that began it, so any instance can finish it and no other browser can.
 */
export class Login {
  readonly #configuration: ProviderConfiguration;
  readonly #pangeaAuthn: PangeaAuthn;
  readonly #transactions: SealedJson<LoginTransaction>;

  constructor(configuration: ProviderConfiguration, pangeaAuthn: PangeaAuthn) {
    this.#configuration = configuration;
    this.#pangeaAuthn = pangeaAuthn;
    this.#transactions = new SealedJson(configuration.keys.derive("login transaction"), transactionSchema);
  }

  /** Begins a login. Throws `OAuthError` with `invalid_request` where the request is too long to be carried along. */
  begin(request: AuthorizationRequest): BegunLogin {
    const { lifetimes, clock } = this.#configuration;
    const state = randomBytes(32).toString("base64url");
    const upstreamVerifier = randomBytes(32).toString("base64url");
    const expiresAt = clock() / 1000 + lifetimes.login;
    const sealed = this.#transactions.seal({ request, upstreamVerifier, expiresAt }, state);
    if (sealed.length > maxTransactionLength) {
      throw new OAuthError("invalid_request", "The request is too long; shorten the state or the redirect_uri.");
    }
    const codeChallenge = createHash("sha256").update(upstreamVerifier).digest("base64url");
    return {
      location: this.#pangeaAuthn.authorizationUrl({ state, codeChallenge }),
      state,
      transaction: sealed,
      maxAgeSeconds: Math.ceil(lifetimes.login),
    };
  }

  /**
   * Finishes a login: redeems the upstream code, stores an authorization code and says where the browser goes.
   *
   * @param sealedTransaction - What the browser kept for this `state`, if anything.
   * @throws `OAuthError` where the browser did not begin this login or took too long: to be shown, never redirected.
   */
  async complete(parameters: CallbackParameters, sealedTransaction: string | undefined): Promise<CompletedLogin> {
    const transaction = this.#open(parameters.state, sealedTransaction);
    const { request } = transaction;
    try {
      const code = await this.#issueCode(parameters, transaction);
      return { location: this.#answer(request, { code }), allowed: request };
    } catch (failure) {
      const { error, message } =
        failure instanceof UpstreamRejectedError
          ? { error: failure.error, message: "Pangea AuthN refused the login." }
          : reportedOAuthError(failure);
      emit("login-failed", { clientId: request.clientId, error });
      return { location: this.#answer(request, { error, error_description: message }), allowed: undefined };
    }
  }

  #open(state: string, sealed: string | undefined): LoginTransaction {
    const foreign = "This login was not begun in this browser, or is already over. Start again from your application.";
    if (sealed === undefined) throw new OAuthError("invalid_request", foreign);
    let transaction: LoginTransaction;
    try {
      transaction = this.#transactions.open(sealed, state);
    } catch (cause) {
      if (cause instanceof UnsealableError) throw new OAuthError("invalid_request", foreign, { cause });
      throw cause;
    }
    if (transaction.expiresAt * 1000 <= this.#configuration.clock()) {
      throw new OAuthError("invalid_request", "This login took too long. Start again from your application.");
    }
    return transaction;
  }

  async #issueCode(parameters: CallbackParameters, { request, upstreamVerifier }: LoginTransaction): Promise<string> {
    const { issuer } = parameters;
    if (issuer !== undefined && issuer.replace(/\/+$/, "") !== this.#configuration.upstream.issuer) {
      throw new UpstreamRejectedError("server_error", "The login was answered by another issuer than Pangea AuthN.");
    }
    if (parameters.error !== undefined) throw upstreamError(parameters.error);
    if (parameters.code === undefined) {
      throw new UpstreamRejectedError("server_error", "Pangea AuthN sent neither a code nor an error.");
    }
    const tokens = await this.#redeem(parameters.code, upstreamVerifier);
    const identity = await this.#pangeaAuthn.identify(tokens.token);
    const code = formatOpaqueToken("authorization_code", randomBytes(32));
    const grantKey = GrantKey.create(this.#configuration.keys, grantIdOfCode(code));
    await this.#configuration.repositories.authorizationCodes.set(authorizationCodeKey(code), {
      clientId: request.clientId,
      scopes: [...request.scopes],
      expiresAt: this.#configuration.clock() / 1000 + this.#configuration.lifetimes.authorizationCode,
      codeChallenge: request.codeChallenge,
      redirectUri: new URL(request.redirectUri),
      resource: new URL(request.resource),
      client: request.client,
      sealedUpstream: grantKey.sealSession({ tokens, identity }),
      wrappedKey: grantKey.wrap(code),
      ...(identity.subject !== undefined && { subject: identity.subject }),
    });
    emit("login", { clientId: request.clientId, subject: identity.subject });
    return code;
  }

  /**
   * Redeems the upstream code. What Pangea AuthN's token endpoint refuses is between it and this server: the client must
   * not read of an `invalid_client` that is not its own (RFC 6749 section 4.1.2.1 has the errors that it may read).
   */
  async #redeem(code: string, codeVerifier: string): Promise<PangeaAccessToken> {
    try {
      return await this.#pangeaAuthn.exchange(code, codeVerifier);
    } catch (cause) {
      if (!(cause instanceof UpstreamRejectedError)) throw cause;
      if (cause.error === "invalid_grant") {
        throw new UpstreamRejectedError("access_denied", "Pangea AuthN does not know the code.", { cause });
      }
      throw new OAuthError("server_error", "Pangea AuthN refused this server.", { cause });
    }
  }

  #answer({ redirectUri, state }: AuthorizationRequest, parameters: Record<string, string>): URL {
    return authorizationResponse(redirectUri, {
      ...parameters,
      ...(state !== undefined && { state }),
      iss: this.#configuration.issuer,
    });
  }
}

/**
 * An authorization response (RFC 6749 section 4.1.2, RFC 9207): the redirect URI with parameters added to its query, which
 * stays as it was registered, without what would pass for one of them.
 */
export function authorizationResponse(redirectUri: string, parameters: Readonly<Record<string, string>>): URL {
  const url = new URL(redirectUri);
  const kept = url.search
    .slice(1)
    .split("&")
    .filter(
      (pair) => pair !== "" && ![...new URLSearchParams(pair).keys()].some((name) => Object.hasOwn(parameters, name)),
    );
  url.search = [...kept, new URLSearchParams(parameters).toString()].join("&");
  return url;
}

/** An error that Pangea AuthN put into the callback, passed on under its own name where that is a well-formed one. */
function upstreamError(error: string): UpstreamRejectedError {
  const wellFormed = /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(error);
  return new UpstreamRejectedError(wellFormed ? error : "server_error", "Pangea AuthN refused the login.");
}
