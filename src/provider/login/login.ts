import { createHash, randomBytes } from "node:crypto";
import { z } from "zod";
import { OAuthError, UpstreamRejectedError } from "../../errors.ts";
import { authorizationCodeKey, grantIdOf } from "../../records/keys.ts";
import { SealedJson } from "../../secrets/sealed-json.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import { consentRevokedAt } from "../grants/consent-revocations.ts";
import { StepKey } from "../grants/grant-key.ts";
import type { UpstreamRevocations } from "../grants/upstream-revocations.ts";
import { credentialCore, formatHandle, markCredential } from "../oauth/grant-credential.ts";
import { invalidRequest } from "../oauth-failure.ts";
import { describeFailure } from "../reporting/failure-description.ts";
import { adviceOf } from "../reporting/reporter.ts";
import type { Upstream, UpstreamIdentity, UpstreamTokens } from "../upstream/contract.ts";
import { type AuthorizationRequest, AuthorizationRequestSchema } from "./authorization-request.ts";
import { type Decision, DecisionSchema, decisionOf, rememberedFor, standsAfter } from "./decision.ts";
import type { UpstreamWishes } from "./login-wishes.ts";
import { openFromBrowser } from "./open-from-browser.ts";

/** What has to be known again when the browser comes back from the upstream. It travels sealed, in a cookie. */
const transactionSchema = z.object({
  request: AuthorizationRequestSchema,
  decisions: z.array(DecisionSchema),
  upstreamVerifier: z.string(),
  expiresAt: z.number(),
  /** Whether no page may be shown to the person. */
  isSilent: z.boolean().exactOptional(),
});
type LoginTransaction = z.output<typeof transactionSchema>;

type LoginSettings = Pick<
  ProviderConfiguration,
  | "callbackUrl"
  | "clockTolerance"
  | "consent"
  | "issuer"
  | "keys"
  | "lifetimes"
  | "now"
  | "reporter"
  | "repositories"
  | "resource"
  | "upstream"
> & { readonly upstreamRevocations: UpstreamRevocations };

/** The beginning of a login: where the browser goes, and what it must bring back. */
export interface BegunLogin {
  readonly location: URL;
  /** The `state` that goes to the upstream and comes back in the callback. */
  readonly state: string;
  /** The sealed transaction: to be kept by this browser, under a name that belongs to `state`. */
  readonly transaction: string;
  readonly maxAgeSeconds: number;
}

/** What a login is proven by once the browser comes back. */
export interface UpstreamProof {
  readonly upstreamVerifier: string;
  /** In epoch seconds. */
  readonly expiresAt: number;
}

/** The end of a login. */
export interface CompletedLogin {
  readonly request: AuthorizationRequest;
  /**
   * Where the browser goes: the client's redirect URI, with a code or with an error. Undefined where the person who has
   * logged in has not allowed the client, and has to be asked.
   */
  readonly location: URL | undefined;
  /** Who has logged in, in the words of the upstream, where the person has to be asked. */
  readonly account?: string;
  /** The decision to remember; undefined where the login failed, or the upstream does not say who has logged in. */
  readonly decision?: Required<Decision>;
}

/** A request, and the decision to allow it that counts for whoever has logged in. */
interface DecidedRequest {
  readonly request: AuthorizationRequest;
  readonly decision: Decision;
  readonly isSilent: boolean | undefined;
}

/** Told of a request once somebody has logged in who has allowed it. */
type OnLogin = (request: AuthorizationRequest) => Promise<void>;

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
   * @param decisions - Whoever has allowed the request: it is known after the login whether it was one of them.
   * @param wishes - What the upstream is to know of how the person wants to log in.
   * @throws {UpstreamUnavailableError} when the upstream has to be asked where to log in, and does not answer.
   */
  begin(
    request: AuthorizationRequest,
    decisions: readonly Decision[],
    wishes: UpstreamWishes = {},
  ): Promise<BegunLogin> {
    const silence = wishes.prompt === "none" ? { isSilent: true } : {};
    return this.sendUpstream(wishes, (proof, state) =>
      this.#transactions.seal({ request, decisions: [...decisions], ...proof, ...silence }, state),
    );
  }

  /**
   * Sends a browser upstream, whatever for.
   *
   * @param seal - Seals what has to be known again, with the proof, for the browser that has this `state`. Each purpose seals
   * under a key of its own, so that a login for one opens nothing of another.
   * @throws {UpstreamUnavailableError} when the upstream has to be asked where to log in, and does not answer.
   */
  async sendUpstream(
    wishes: UpstreamWishes,
    seal: (proof: UpstreamProof, state: string) => string,
  ): Promise<BegunLogin> {
    const { lifetimes, now, reporter, upstream, callbackUrl: redirectUri } = this.#configuration;
    const state = randomBytes(32).toString("base64url");
    const upstreamVerifier = randomBytes(32).toString("base64url");
    const expiresAt = now() + lifetimes.login;
    reporter.notice(
      "info",
      "first-login",
      `The first browser goes to ${upstream.name} at ${upstream.issuer} to log in. It has to come back to ${redirectUri}: register that redirect URI there. Where people read an error at ${upstream.name} instead, run "npx pangea-authn-fastmcp doctor".`,
    );
    const codeChallenge = createHash("sha256").update(upstreamVerifier).digest("base64url");
    return {
      location: await upstream.authorizationUrl({ ...wishes, state, codeChallenge, redirectUri }),
      state,
      transaction: seal({ upstreamVerifier, expiresAt }, state),
      maxAgeSeconds: Math.ceil(lifetimes.login),
    };
  }

  /**
   * Finishes a login: redeems the upstream code, stores an authorization code and says where the browser goes. Where
   * another person has logged in than those who have allowed the request, or where the consent was revoked since, no code
   * is issued, and what the upstream has given is revoked.
   *
   * @param sealedTransaction - What the browser kept for this `state`, if anything.
   * @param onLogin - What else is to be done once somebody has logged in who has allowed the request. It goes on beside what
   * the login reads and writes, and must not reject.
   * @throws {OAuthError} when the browser did not begin this login or took too long: to be shown, never redirected.
   */
  async complete(
    parameters: CallbackParameters,
    sealedTransaction: string | undefined,
    onLogin: OnLogin = async () => {},
  ): Promise<CompletedLogin> {
    const transaction = this.#open(parameters.state, sealedTransaction);
    const { request } = transaction;
    try {
      const tokens = await this.redeem(parameters, transaction);
      return await this.#issueCodeOrEnd(tokens, transaction, onLogin);
    } catch (failure) {
      const { error, message } =
        failure instanceof UpstreamRejectedError
          ? { error: failure.error, message: `${this.#configuration.upstream.name} refused the login.` }
          : this.#configuration.reporter.failure(failure);
      const event = { clientId: request.clientId, error, failure: describeFailure(failure), ...adviceOf(failure) };
      this.#configuration.reporter.tell("login-failed", event);
      return { request, location: this.#answer(request, { error, error_description: message }) };
    }
  }

  #open(state: string, sealed: string | undefined): LoginTransaction {
    return openTransaction(this.#transactions, state, sealed, this.#configuration.now());
  }

  /**
   * Redeems the upstream code that a browser came back with, whatever the login was for. What the upstream's token endpoint
   * refuses is between it and this server: the client must not read of an `invalid_client` that is not its own (RFC 6749
   * section 4.1.2.1 has the errors that it may read).
   *
   * @throws {UpstreamRejectedError} when the login was refused; {@link OAuthError} when the upstream refuses this server.
   * @throws {UpstreamUnavailableError} when the upstream does not answer.
   */
  async redeem(
    { code, error, issuer }: CallbackParameters,
    { upstreamVerifier: codeVerifier }: UpstreamProof,
  ): Promise<UpstreamTokens> {
    const { upstream, callbackUrl: redirectUri } = this.#configuration;
    if (issuer !== undefined && withoutSlash(issuer) !== withoutSlash(upstream.issuer)) {
      throw otherIssuer(upstream, issuer);
    }
    if (error !== undefined) throw upstreamError(upstream, error);
    if (code === undefined) throw new UpstreamRejectedError("server_error", "There is neither code nor error.");
    try {
      const given = { code, codeVerifier, redirectUri, ...(issuer !== undefined && { issuer }) };
      const { answeredAt, ...tokens } = await upstream.exchange(given);
      if (answeredAt !== undefined) this.#compareClocks(answeredAt);
      return tokens;
    } catch (cause) {
      if (!(cause instanceof UpstreamRejectedError)) throw cause;
      if (cause.error === "invalid_grant") {
        throw new UpstreamRejectedError("access_denied", `${upstream.name} does not know the code.`, { cause });
      }
      throw this.#refusal(cause);
    }
  }

  /**
   * Says who has logged in: by the subject that this server's records name the person by.
   *
   * @throws {OAuthError} when the person may not log in, or the upstream refuses to tell this server.
   * @throws {UpstreamUnavailableError} when the upstream does not answer.
   */
  identify(tokens: UpstreamTokens): Promise<UpstreamIdentity> {
    return this.#configuration.upstream.identify(tokens).catch((failure: unknown) => {
      throw this.#refusal(failure);
    });
  }

  /** Warns of a clock that is so far off that codes and tokens end too early or too late. */
  #compareClocks(answeredAt: number): void {
    const { clockTolerance, now, reporter, upstream } = this.#configuration;
    const ahead = Math.round(now() - answeredAt);
    if (Math.abs(ahead) <= clockTolerance) return;
    const direction = ahead > 0 ? "ahead of" : "behind";
    reporter.notice(
      "warn",
      "clock",
      `This machine's clock is ${Math.abs(ahead)} seconds ${direction} that of ${upstream.name}. Set it by NTP: where instances disagree, codes and logins are over before they are used.`,
    );
  }

  /** A refusal that is between the upstream and this server: the client learns of the refusal, the operator why. */
  #refusal(failure: unknown): unknown {
    if (!(failure instanceof UpstreamRejectedError)) return failure;
    const message = `${this.#configuration.upstream.name} refused this server.`;
    return new OAuthError("server_error", message, { cause: failure });
  }

  /** Issues a code, or ends what the upstream has given: no grant will ever hold it. */
  async #issueCodeOrEnd(
    tokens: UpstreamTokens,
    transaction: LoginTransaction,
    onLogin: OnLogin,
  ): Promise<CompletedLogin> {
    const { lifetimes, now, upstreamRevocations } = this.#configuration;
    const handle = formatHandle(randomBytes(16));
    let isIssued = false;
    try {
      const completed = await this.#issueCode(handle, tokens, transaction, onLogin);
      isIssued = completed.location !== undefined;
      return completed;
    } finally {
      if (!isIssued) {
        await upstreamRevocations.end(grantIdOf(handle), tokens, now() + lifetimes.grant);
      }
    }
  }

  /** Issues a code for whoever has logged in, unless the person has to be asked. */
  async #issueCode(
    handle: string,
    tokens: UpstreamTokens,
    { request, decisions, isSilent }: LoginTransaction,
    onLogin: OnLogin,
  ): Promise<CompletedLogin> {
    const identity = await this.identify(tokens);
    const { subject } = identity;
    const decision = decisionOf(
      subject,
      decisions.filter((each) => this.#isRemembered(each)),
    );
    if (decision === undefined) return undecided(request, identity, isSilent);
    const beside = onLogin(request);
    try {
      return await this.#issueCodeTo(handle, { tokens, identity }, { request, decision, isSilent });
    } finally {
      await beside;
    }
  }

  /** Issues a code for a person who has allowed the request, unless the consent was revoked since. */
  async #issueCodeTo(
    handle: string,
    session: { readonly tokens: UpstreamTokens; readonly identity: UpstreamIdentity },
    { request, decision, isSilent }: DecidedRequest,
  ): Promise<CompletedLogin> {
    const { clockTolerance, repositories } = this.#configuration;
    const { identity } = session;
    const { subject } = identity;
    // The code first: whoever revokes meanwhile finds the code, or is found here.
    const code = await this.#storeCode(handle, request, session);
    const revokedAt =
      subject === undefined ? undefined : await consentRevokedAt(this.#configuration, subject, request.clientId);
    if (!standsAfter(revokedAt, decision, clockTolerance)) {
      await repositories.authorizationCodes.delete(authorizationCodeKey(handle));
      return undecided(request, identity, isSilent);
    }
    emit("login", { clientId: request.clientId, subject });
    const location = this.#answer(request, { code });
    if (subject === undefined) return { request, location };
    return { request, location, decision: rememberedFor(subject, decision, revokedAt, clockTolerance) };
  }

  /** False for a decision that was remembered for long enough, by the option as it is now. */
  #isRemembered({ subject, decidedAt }: Decision): boolean {
    const { consent, now } = this.#configuration;
    return subject === undefined || now() < decidedAt + consent.remember;
  }

  async #storeCode(
    handle: string,
    request: AuthorizationRequest,
    session: { readonly tokens: UpstreamTokens; readonly identity: UpstreamIdentity },
  ): Promise<string> {
    const { keys, lifetimes, now, repositories } = this.#configuration;
    const { subject } = session.identity;
    const core = credentialCore("authorization_code", { handle, generation: 0 }, randomBytes(32));
    const grantId = grantIdOf(handle);
    const key = StepKey.create(grantId);
    await repositories.authorizationCodes.set(authorizationCodeKey(handle), {
      clientId: request.clientId,
      scopes: [...request.scopes],
      expiresAt: now() + lifetimes.authorizationCode,
      codeChallenge: request.codeChallenge,
      redirectUri: new URL(request.redirectUri),
      resource: new URL(request.resource),
      ...(request.namesResource === true && { namesResource: true }),
      client: request.client,
      ...(request.offlineAccess && { offlineAccess: true }),
      grantId,
      sealedUpstream: key.grantKey.sealSession(session),
      wrappedKey: key.wrap(keys, core),
      ...(subject !== undefined && { subject }),
    });
    return markCredential(keys.derive("credential mark"), core);
  }

  #answer(request: AuthorizationRequest, parameters: Record<string, string>): URL {
    return authorizationResponse(this.#configuration.issuer, request, parameters);
  }
}

/**
 * Opens what a browser has kept of a login, for the `state` that it came back with.
 *
 * @param now - In epoch seconds.
 * @throws {OAuthError} when the browser did not begin this login or took too long: to be shown, never redirected.
 */
export function openTransaction<Transaction extends Pick<UpstreamProof, "expiresAt">>(
  transactions: SealedJson<Transaction>,
  state: string,
  sealed: string | undefined,
  now: number,
): Transaction {
  const foreign = "This login was not begun in this browser, or is already over.";
  if (sealed === undefined) throw invalidRequest(foreign);
  const transaction = openFromBrowser(() => transactions.open(sealed, state), foreign);
  if (now < transaction.expiresAt) return transaction;
  throw invalidRequest("This login took too long.");
}

/**
 * The end of a login of somebody who has not allowed the client: the person has to be asked.
 *
 * @throws {OAuthError} with `consent_required` when the person may not be asked.
 */
function undecided(
  request: AuthorizationRequest,
  { username, email }: UpstreamIdentity,
  isSilent: boolean | undefined,
): CompletedLogin {
  if (isSilent) throw consentRequired();
  const account = username ?? email;
  return { request, location: undefined, ...(account !== undefined && { account }) };
}

/** The error for a client that wants no page to be shown, where the person has yet to allow it. */
export function consentRequired(): OAuthError {
  return new OAuthError("consent_required", "The user has not allowed this client yet; ask again without prompt=none.");
}

/**
 * An authorization response (RFC 6749 section 4.1.2, RFC 9207): the redirect URI with parameters added to its query, which
 * stays as it was registered, without what would pass for one of them.
 */
export function authorizationResponse(
  issuer: string,
  { redirectUri, state }: { readonly redirectUri: string; readonly state?: string | undefined },
  answer: Readonly<Record<string, string>>,
): URL {
  const parameters = { ...answer, ...(state !== undefined && { state }), iss: issuer };
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
function upstreamError({ name, adviceFor }: Upstream, given: string): UpstreamRejectedError {
  const error = /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(given) ? given : "server_error";
  const advice = adviceFor?.(error);
  return new UpstreamRejectedError(error, `${name} refused the login.`, advice === undefined ? {} : { advice });
}

/** The callback names an issuer that is not the upstream's. An address in it is no secret; anything else is left out. */
function otherIssuer({ name, issuer: own }: Upstream, given: string): UpstreamRejectedError {
  const other = URL.canParse(given) ? new URL(given).origin : "no URL";
  const advice = `The answer names the issuer ${other}, and the configured one is ${own}. Where both are your project of ${name}, configure the one that it names; else somebody has mixed up two logins.`;
  return new UpstreamRejectedError("server_error", "The login was answered by another issuer.", { advice });
}

function withoutSlash(issuer: string): string {
  return issuer.replace(/\/+$/, "");
}
