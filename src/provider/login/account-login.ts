import { z } from "zod";
import { OAuthError, UpstreamRejectedError } from "../../errors.ts";
import { SealedJson } from "../../secrets/sealed-json.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { paths } from "../oauth/paths.ts";
import type { UpstreamTokens } from "../upstream/contract.ts";
import { type BegunLogin, type CallbackParameters, type Login, openTransaction, type UpstreamProof } from "./login.ts";

/** What has to be known again when the browser comes back. No client's login opens as one of these, nor the reverse. */
const transactionSchema = z.object({ upstreamVerifier: z.string(), expiresAt: z.number() });

/** Somebody who has logged in to see what they have allowed. */
export interface AccountHolder {
  /** By which this server's records name the person. */
  readonly subject: string;
  /** Who it is, in the words of the upstream. */
  readonly name: string | undefined;
  /** Where the browser goes to sign out upstream as well, where the upstream offers that. */
  readonly upstreamLogout: string | undefined;
}

type AccountLoginSettings = Pick<ProviderConfiguration, "baseUrl" | "keys" | "now" | "reporter" | "upstream">;

/**
 * Logs a person in upstream for the account page. The way is that of a client's login, and neither can stand for the other:
 * what the browser keeps meanwhile is sealed under a key of this purpose, and holds no client and no request.
 */
export class AccountLogin {
  readonly #settings: AccountLoginSettings;
  readonly #login: Pick<Login, "sendUpstream" | "redeem" | "identify">;
  readonly #transactions: SealedJson<UpstreamProof>;

  constructor(settings: AccountLoginSettings, login: Pick<Login, "sendUpstream" | "redeem" | "identify">) {
    this.#settings = settings;
    this.#login = login;
    this.#transactions = new SealedJson(settings.keys.derive("account login"), transactionSchema);
  }

  /**
   * Begins a login.
   *
   * @throws {UpstreamUnavailableError} when the upstream has to be asked where to log in, and does not answer.
   */
  begin(): Promise<BegunLogin> {
    return this.#login.sendUpstream({}, (proof, state) => this.#transactions.seal(proof, state));
  }

  /**
   * Finishes a login. The user's tokens at the upstream are needed no more and are kept nowhere. They are not revoked: some
   * upstreams end every session of the user with this server by that, also those of the clients.
   *
   * @param sealed - What the browser kept for this `state`, if anything.
   * @throws {OAuthError} when the browser did not begin this login, took too long, or nobody has logged in.
   * @throws {UpstreamUnavailableError} when the upstream does not answer.
   */
  async complete(parameters: CallbackParameters, sealed: string | undefined): Promise<AccountHolder> {
    const transaction = openTransaction(this.#transactions, parameters.state, sealed, this.#settings.now());
    const { name: upstream } = this.#settings.upstream;
    try {
      const tokens = await this.#login.redeem(parameters, transaction);
      const { subject, username, email } = await this.#login.identify(tokens);
      if (subject === undefined) throw new OAuthError("access_denied", `${upstream} does not say who has logged in.`);
      return { subject, name: username ?? email, upstreamLogout: await this.#logoutUrl(tokens) };
    } catch (failure) {
      throw shownFailure(upstream, failure);
    }
  }

  /** An upstream that cannot say where people sign out leaves the person signed in here all the same. */
  async #logoutUrl(tokens: UpstreamTokens): Promise<string | undefined> {
    const { baseUrl, reporter, upstream } = this.#settings;
    try {
      return (await upstream.logoutUrl?.(tokens, baseUrl + paths.account))?.href;
    } catch (failure) {
      reporter.failure(failure);
      return undefined;
    }
  }
}

/** When a person may try again where the upstream refuses this server, in seconds: an operator has to change something. */
const retryAfterSeconds = 60;

/** The failure of a login as the person reads it: no client is there to be told of it. */
function shownFailure(upstream: string, cause: unknown): unknown {
  if (cause instanceof UpstreamRejectedError) {
    return new OAuthError("access_denied", `${upstream} refused the login.`, { cause });
  }
  // The upstream refuses this server. That is nothing of the person's, and over once the operator has mended it.
  if (cause instanceof OAuthError && cause.error === "server_error") {
    return new OAuthError("temporarily_unavailable", cause.message, { cause: cause.cause ?? cause, retryAfterSeconds });
  }
  return cause;
}
