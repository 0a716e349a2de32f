import { hash, randomBytes, randomUUID } from "node:crypto";
import { z } from "zod";
import { OAuthError, UpstreamRejectedError } from "../../errors.ts";
import type { SealedJson } from "../../secrets/sealed-json.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { UpstreamSession } from "../grants/grant-key.ts";
import type { UpstreamRevocations } from "../grants/upstream-revocations.ts";
import { invalidRequest } from "../oauth-failure.ts";
import type { Upstream, UpstreamLoginRequest, UpstreamTokens } from "../upstream/contract.ts";
import { isSameIssuer } from "../upstream/upstreams.ts";
import type { UpstreamWishes } from "./login-wishes.ts";
import { openFromBrowser } from "./open-from-browser.ts";

/** What has to be known again when the browser comes back from an upstream. It travels sealed, in a cookie. */
export interface UpstreamTransaction<About> {
  /** What the login is for. */
  readonly about: About;
  /** The id of the upstream that the browser was sent to. */
  readonly upstream: string;
  /**
   * The issuer of that upstream: another instance may have another one under this id. Undefined in transactions that the version
   * before began.
   */
  readonly issuer?: string | undefined;
  readonly upstreamVerifier: string;
  /** In epoch seconds. */
  readonly expiresAt: number;
}

/** The schema of a transaction whose login is about this. */
export function upstreamTransaction<About>(about: z.ZodType<About>) {
  return z.object({
    ...{ about, upstream: z.string(), issuer: z.string().optional() },
    ...{ upstreamVerifier: z.string(), expiresAt: z.number() },
  });
}

/** The beginning of a login: where the browser goes, and what it must bring back. */
export interface BegunLogin {
  readonly location: URL;
  /** The `state` that goes to the upstream and comes back in the callback. */
  readonly state: string;
  /** The sealed transaction: to be kept by this browser, under a name that belongs to `state`. */
  readonly transaction: string;
  readonly maxAgeSeconds: number;
}

/** What an upstream sends the browser back with. */
export interface CallbackParameters {
  /** The id of the upstream at whose callback the browser has arrived. */
  readonly upstream: string;
  readonly state: string;
  readonly code: string | undefined;
  readonly error: string | undefined;
  readonly issuer: string | undefined;
}

/** Who has logged in, where, and with which tokens. */
export interface LoggedIn {
  readonly upstream: Upstream;
  readonly session: UpstreamSession & Required<Pick<UpstreamSession, "issuer">>;
  /** Says that a grant holds the session from now on. Whoever does not say so leaves it to be ended. */
  readonly keep: () => void;
}

/** What `UpstreamLogin` needs. */
export type UpstreamLoginParts = Pick<
  ProviderConfiguration,
  "clockTolerance" | "lifetimes" | "now" | "reporter" | "upstreams"
> & { readonly upstreamRevocations: Pick<UpstreamRevocations, "end"> };

/**
 * Sends a browser to an upstream to log in, and takes it back, whatever the login is for. Nothing is stored: the
 * transaction is sealed and kept by the browser that began it, so any instance can finish it and no other browser can.
 *
 * The transaction names the upstream that the browser was sent to. Whoever comes back at another upstream's callback, or in
 * another issuer's name, is refused before any code is redeemed: no code of one upstream ever goes to another
 * ({@link https://www.rfc-editor.org/rfc/rfc9700#section-4.4 RFC 9700 section 4.4}, mix-up).
 *
 * @example
 * ```ts
 * const logins = new UpstreamLogin(parts, new SealedJson(keys.derive("login transaction"), upstreamTransaction(schema)));
 * const begun = await logins.begin(upstream, { request });
 * // … the browser comes back …
 * const transaction = logins.open(state, sealed);
 * await logins.finish(parameters, transaction, ({ session, keep }) => …);
 * ```
 */
export class UpstreamLogin<About> {
  readonly #parts: UpstreamLoginParts;
  readonly #transactions: SealedJson<UpstreamTransaction<About>>;

  /** @param transactions - Sealed under a key of its own for each purpose: no login of one passes for that of another. */
  constructor(parts: UpstreamLoginParts, transactions: SealedJson<UpstreamTransaction<About>>) {
    this.#parts = parts;
    this.#transactions = transactions;
  }

  /**
   * Begins a login at an upstream.
   *
   * @param about - What has to be known again when the login ends.
   * @param wishes - What the upstream is to know of how the person wants to log in.
   * @throws {UpstreamUnavailableError} when the upstream has to be asked where to log in, and does not answer.
   * @throws {OAuthError} with `server_error` when what it answers is of no use, such as that of another issuer.
   */
  async begin(upstream: Upstream, about: About, wishes: UpstreamWishes = {}): Promise<BegunLogin> {
    const { lifetimes, now, reporter, upstreams } = this.#parts;
    const redirectUri = upstreams.callbackUrl(upstream);
    const drawn = randomBytes(64);
    const state = drawn.toString("base64url", 0, 32);
    const upstreamVerifier = drawn.toString("base64url", 32);
    reporter.notice(
      "info",
      "first-login",
      `The first browser goes to ${upstream.name} at ${upstream.issuer} to log in. It has to come back to ${redirectUri}: register that redirect URI there. Where people read an error at ${upstream.name} instead, run "npx pangea-authn-fastmcp doctor".`,
      upstream.id,
    );
    const { id, issuer } = upstream;
    const transaction = { about, upstream: id, issuer, upstreamVerifier, expiresAt: now() + lifetimes.login };
    const codeChallenge = hash("sha256", upstreamVerifier, "base64url");
    return {
      location: await locationOf(upstream, { ...wishes, state, codeChallenge, redirectUri }),
      state,
      transaction: this.#transactions.seal(transaction, state),
      maxAgeSeconds: Math.ceil(lifetimes.login),
    };
  }

  /**
   * Opens the transaction of a login that has come back.
   *
   * @param sealed - What the browser kept for this `state`, if anything.
   * @throws {OAuthError} when the browser did not begin this login or took too long, or it was begun at another issuer: to be
   * shown, never redirected. A consent that was given for that issuer's people says nothing of this one's.
   */
  open(state: string, sealed: string | undefined): UpstreamTransaction<About> {
    const foreign = "This login was not begun in this browser, or is already over.";
    if (sealed === undefined) throw invalidRequest(foreign);
    const transaction = openFromBrowser(() => this.#transactions.open(sealed, state), foreign);
    if (this.#parts.now() >= transaction.expiresAt) throw invalidRequest("This login took too long.");
    const { upstream, issuer } = transaction;
    const own = this.#parts.upstreams.byId(upstream)?.issuer;
    if (own === undefined || issuer === undefined || isSameIssuer(issuer, own)) return transaction;
    throw invalidRequest(
      "This login was begun at another identity provider, which has been replaced since. Start again.",
    );
  }

  /**
   * Redeems the code of a login, asks who has logged in, and does the work that the login is for. Unless the work says that
   * the session is kept, what the upstream has given is revoked when it ends: no grant will ever hold it.
   *
   * @throws {UpstreamRejectedError} when the upstream, or the person there, says no, or the answer is another upstream's.
   * @throws {UpstreamUnavailableError} when the upstream does not answer.
   * @throws {OAuthError} with `access_denied` where the user may not log in; with `server_error` where this server is
   * refused.
   */
  async finish<Result>(
    parameters: CallbackParameters,
    transaction: UpstreamTransaction<About>,
    work: (loggedIn: LoggedIn) => Promise<Result>,
  ): Promise<Result> {
    const { lifetimes, now, upstreamRevocations } = this.#parts;
    const upstream = this.#upstreamOf(parameters, transaction);
    const { issuer } = upstream;
    let given: UpstreamTokens | undefined;
    let isKept = false;
    try {
      const tokens = await this.#redeem(upstream, parameters, transaction, (early) => {
        given = early;
      });
      given = tokens;
      const identity = await upstream.identify(tokens).catch((failure: unknown) => {
        throw refusal(upstream, failure);
      });
      const keep = () => {
        isKept = true;
      };
      return await work({ upstream, session: { tokens, identity, issuer }, keep });
    } finally {
      if (!isKept && given !== undefined) {
        await upstreamRevocations.end(randomUUID(), { tokens: given, issuer }, now() + lifetimes.grant);
      }
    }
  }

  /** The upstream that the login was begun at, which has to be the one that it comes back from. */
  #upstreamOf({ upstream: arrivedAt, issuer }: CallbackParameters, { upstream: id }: UpstreamTransaction<About>) {
    const upstream = this.#parts.upstreams.byId(id);
    if (upstream === undefined) {
      const advice = `Another instance of this server, or an earlier configuration, has an upstream of the id ${id}: give every instance the same upstreams.`;
      throw new UpstreamRejectedError("server_error", "The login was begun elsewhere.", { advice });
    }
    if (arrivedAt !== id) throw otherCallback(upstream, arrivedAt);
    if (issuer !== undefined && !isSameIssuer(issuer, upstream.issuer)) throw otherIssuer(upstream, issuer);
    return upstream;
  }

  /**
   * Redeems the upstream code. What the upstream's token endpoint refuses is between it and this server: the client must
   * not read of an `invalid_client` that is not its own (RFC 6749 section 4.1.2.1 has the errors that it may read).
   */
  async #redeem(
    upstream: Upstream,
    { code, error, issuer }: CallbackParameters,
    { upstreamVerifier: codeVerifier }: UpstreamTransaction<About>,
    noteTokens: (tokens: UpstreamTokens) => void,
  ): Promise<UpstreamTokens> {
    if (error !== undefined) throw upstreamError(upstream, error);
    if (code === undefined) throw new UpstreamRejectedError("server_error", "There is neither code nor error.");
    try {
      const redirectUri = this.#parts.upstreams.callbackUrl(upstream);
      const given = { code, codeVerifier, redirectUri, noteTokens, ...(issuer !== undefined && { issuer }) };
      const { answeredAt, ...tokens } = await upstream.exchange(given);
      if (answeredAt !== undefined) this.#compareClocks(upstream, answeredAt);
      return tokens;
    } catch (cause) {
      if (cause instanceof UpstreamRejectedError && cause.error === "invalid_grant") {
        throw new UpstreamRejectedError("access_denied", `${upstream.name} does not know the code.`, { cause });
      }
      throw refusal(upstream, cause);
    }
  }

  /** Warns of a clock that is so far off that codes and tokens end too early or too late. */
  #compareClocks({ id, name }: Upstream, answeredAt: number): void {
    const { clockTolerance, now, reporter } = this.#parts;
    const ahead = Math.round(now() - answeredAt);
    if (Math.abs(ahead) <= clockTolerance) return;
    const direction = ahead > 0 ? "ahead of" : "behind";
    reporter.notice(
      "warn",
      "clock",
      `This machine's clock is ${Math.abs(ahead)} seconds ${direction} that of ${name}. Set it by NTP: where instances disagree, codes and logins are over before they are used.`,
      id,
    );
  }
}

/** Where the browser goes to log in. An upstream that has to be asked for it may refuse this server. */
async function locationOf(upstream: Upstream, login: UpstreamLoginRequest): Promise<URL> {
  try {
    return await upstream.authorizationUrl(login);
  } catch (failure) {
    throw refusal(upstream, failure);
  }
}

/** A refusal that is between the upstream and this server: the client learns of the refusal, the operator why. */
function refusal({ name }: Upstream, failure: unknown): unknown {
  if (!(failure instanceof UpstreamRejectedError)) return failure;
  return new OAuthError("server_error", `${name} refused this server.`, { cause: failure });
}

/** An error that the upstream put into the callback, passed on under its own name where that is a well-formed one. */
function upstreamError({ name, adviceFor }: Upstream, given: string): UpstreamRejectedError {
  const error = /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(given) ? given : "server_error";
  const advice = adviceFor?.(error);
  return new UpstreamRejectedError(error, `${name} refused the login.`, advice === undefined ? {} : { advice });
}

/** The browser was sent to one upstream, and arrives at the callback of another. */
function otherCallback({ name }: Upstream, arrivedAt: string): UpstreamRejectedError {
  const advice = `The login was begun at ${name}, and came back to the callback of ${arrivedAt}: register with each identity provider its own redirect URI only. Where that is so, somebody has mixed up two logins.`;
  return new UpstreamRejectedError("server_error", "The login was answered by another identity provider.", { advice });
}

/** How much of a foreign issuer an operator is told, in characters: anybody can come back with one. */
const maxShownIssuer = 100;

/** The callback names an issuer that is not the upstream's. An address in it is no secret; anything else is left out. */
function otherIssuer({ name, issuer: own }: Upstream, given: string): UpstreamRejectedError {
  const other = URL.canParse(given) ? new URL(given).origin.slice(0, maxShownIssuer) : "no URL";
  const advice = `The answer names the issuer ${other}, and the configured one is ${own}. Where both are your project of ${name}, configure the one that it names; else somebody has mixed up two logins.`;
  return new UpstreamRejectedError("server_error", "The login was answered by another issuer.", { advice });
}
