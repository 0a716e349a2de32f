import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { OAuthError, UnsealableError, UpstreamRejectedError } from "../../errors.ts";
import { authorizationCodeKey, grantIdOfCode } from "../../records/keys.ts";
import { SealedJson } from "../../secrets/sealed-json.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import { GrantKey } from "../grants/grant-key.ts";
import { formatOpaqueToken } from "../oauth/opaque-token.ts";
import { invalidRequest, reportFailure } from "../oauth-failure.ts";
import type { UpstreamTokens } from "../upstream/contract.ts";
import { type AuthorizationRequest, AuthorizationRequestSchema } from "./authorization-request.ts";
import type { AllowedRequest } from "./consent.ts";

/** A cookie holds 4096 bytes with its name and attributes (RFC 6265 section 6.1). */
const maxTransactionLength = 3800;

/** What has to be known again when the browser comes back from the upstream. It travels sealed, in a cookie. */
const transactionSchema = z.object({
  request: AuthorizationRequestSchema,
  upstreamVerifier: z.string(),
  expiresAt: z.number(),
});
type LoginTransaction = z.output<typeof transactionSchema>;

type LoginSettings = Pick<
  ProviderConfiguration,
  "callbackUrl" | "issuer" | "keys" | "lifetimes" | "now" | "repositories" | "upstream"
>;

/** The beginning of a login: where the browser goes, and what it must bring back. */
export interface BegunLogin {
  readonly location: URL;
  /** The `state` that goes to the upstream and comes back in the callback. */
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

/** The parameters that the upstream sends the browser back with. */
export interface CallbackParameters {
  readonly state: string;
  readonly code: string | undefined;
  readonly error: string | undefined;
  readonly issuer: string | undefined;
}

/**
 * Logs a user in upstream on behalf of a client. Nothing is stored until the upstream has said yes: the transaction
 * is sealed and kept by the browser that began it, so any instance can finish it and no other browser can.
 */
export class Login {
  readonly #configuration: LoginSettings;
  readonly #transactions: SealedJson<LoginTransaction>;

  constructor(configuration: LoginSettings) {
    this.#configuration = configuration;
    this.#transactions = new SealedJson(configuration.keys.derive("login transaction"), transactionSchema);
  }

  /**
   * Begins a login.
   *
   * @throws {OAuthError} with `invalid_request` when the request is too long to be carried along.
   * @throws {UpstreamUnavailableError} when the upstream has to be asked where to log in, and does not answer.
   */
  async begin(request: AuthorizationRequest): Promise<BegunLogin> {
    const { lifetimes, now, upstream, callbackUrl: redirectUri } = this.#configuration;
    const state = randomBytes(32).toString("base64url");
    const upstreamVerifier = randomBytes(32).toString("base64url");
    const expiresAt = now() + lifetimes.login;
    const sealed = this.#transactions.seal({ request, upstreamVerifier, expiresAt }, state);
    if (sealed.length > maxTransactionLength) {
      throw invalidRequest("The request is too long; shorten the state or the redirect_uri.");
    }
    const codeChallenge = createHash("sha256").update(upstreamVerifier).digest("base64url");
    return {
      location: await upstream.authorizationUrl({ state, codeChallenge, redirectUri }),
      state,
      transaction: sealed,
      maxAgeSeconds: Math.ceil(lifetimes.login),
    };
  }

  /**
   * Finishes a login: redeems the upstream code, stores an authorization code and says where the browser goes.
   *
   * @param sealedTransaction - What the browser kept for this `state`, if anything.
   * @throws {OAuthError} when the browser did not begin this login or took too long: to be shown, never redirected.
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
          ? { error: failure.error, message: `${this.#configuration.upstream.name} refused the login.` }
          : reportFailure(failure);
      emit("login-failed", { clientId: request.clientId, error });
      return { location: this.#answer(request, { error, error_description: message }), allowed: undefined };
    }
  }

  #open(state: string, sealed: string | undefined): LoginTransaction {
    const foreign = "This login was not begun in this browser, or is already over. Start again from your application.";
    if (sealed === undefined) throw invalidRequest(foreign);
    try {
      const transaction = this.#transactions.open(sealed, state);
      if (this.#configuration.now() < transaction.expiresAt) return transaction;
    } catch (cause) {
      if (cause instanceof UnsealableError) throw invalidRequest(foreign, { cause });
      throw cause;
    }
    throw invalidRequest("This login took too long. Start again from your application.");
  }

  async #issueCode(parameters: CallbackParameters, { request, upstreamVerifier }: LoginTransaction): Promise<string> {
    const { code: upstreamCode, error, issuer } = parameters;
    const { keys, lifetimes, now, repositories, upstream } = this.#configuration;
    if (issuer !== undefined && withoutSlash(issuer) !== withoutSlash(upstream.issuer)) {
      throw new UpstreamRejectedError("server_error", "The login was answered by another issuer.");
    }
    if (error !== undefined) throw upstreamError(error);
    if (upstreamCode === undefined) throw new UpstreamRejectedError("server_error", "There is neither code nor error.");
    const tokens = await this.#redeem(upstreamCode, upstreamVerifier);
    const identity = await upstream.identify(tokens);
    const code = formatOpaqueToken("authorization_code", randomBytes(32));
    const grantKey = GrantKey.create(keys, grantIdOfCode(code));
    await repositories.authorizationCodes.set(authorizationCodeKey(code), {
      clientId: request.clientId,
      scopes: [...request.scopes],
      expiresAt: now() + lifetimes.authorizationCode,
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
   * Redeems the upstream code. What the upstream's token endpoint refuses is between it and this server: the client must
   * not read of an `invalid_client` that is not its own (RFC 6749 section 4.1.2.1 has the errors that it may read).
   */
  async #redeem(code: string, codeVerifier: string): Promise<UpstreamTokens> {
    const { upstream, callbackUrl: redirectUri } = this.#configuration;
    try {
      return await upstream.exchange({ code, codeVerifier, redirectUri });
    } catch (cause) {
      if (!(cause instanceof UpstreamRejectedError)) throw cause;
      if (cause.error === "invalid_grant") {
        throw new UpstreamRejectedError("access_denied", `${upstream.name} does not know the code.`, { cause });
      }
      throw new OAuthError("server_error", `${upstream.name} refused this server.`, { cause });
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

/** An error that the upstream put into the callback, passed on under its own name where that is a well-formed one. */
function upstreamError(error: string): UpstreamRejectedError {
  const isWellFormed = /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(error);
  return new UpstreamRejectedError(isWellFormed ? error : "server_error", "The upstream refused the login.");
}

function withoutSlash(issuer: string): string {
  return issuer.replace(/\/+$/, "");
}
