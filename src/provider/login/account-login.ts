import { z } from "zod";
import { OAuthError, UpstreamRejectedError } from "../../errors.ts";
import { SealedJson } from "../../secrets/sealed-json.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { paths } from "../oauth/paths.ts";
import type { Upstream, UpstreamTokens } from "../upstream/contract.ts";
import {
  type BegunLogin,
  type CallbackParameters,
  UpstreamLogin,
  type UpstreamLoginParts,
  upstreamTransaction,
} from "./upstream-login.ts";

/** A login for the account page is about nothing: it holds no client and no request. */
const aboutSchema = z.strictObject({});

/** Somebody who has logged in to see what they have allowed. */
export interface AccountHolder {
  /** The user's id upstream, which together with the issuer says who it is. */
  readonly subject: string;
  readonly upstreamIssuer: string;
  /** Who it is, in the words of the upstream. */
  readonly name: string | undefined;
  /** Where the browser goes to sign out upstream as well, where the upstream offers that. */
  readonly upstreamLogout: string | undefined;
}

type AccountLoginSettings = Pick<ProviderConfiguration, "baseUrl" | "keys"> & UpstreamLoginParts;

/**
 * Logs a person in upstream for the account page. The way is that of a client's login, and neither can stand for the other:
 * what the browser keeps meanwhile is sealed under a key of this purpose.
 */
export class AccountLogin {
  readonly #settings: AccountLoginSettings;
  readonly #logins: UpstreamLogin<z.output<typeof aboutSchema>>;

  constructor(settings: AccountLoginSettings) {
    this.#settings = settings;
    const transactions = new SealedJson(settings.keys.derive("account login"), upstreamTransaction(aboutSchema));
    this.#logins = new UpstreamLogin(settings, transactions);
  }

  /**
   * Begins a login.
   *
   * @throws {UpstreamUnavailableError} when the upstream has to be asked where to log in, and does not answer.
   * @throws {OAuthError} with `temporarily_unavailable` when it refuses this server: an operator has to change something.
   */
  async begin(upstream: Upstream): Promise<BegunLogin> {
    try {
      return await this.#logins.begin(upstream, {});
    } catch (failure) {
      throw shownFailure(upstream.name, failure);
    }
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
    const transaction = this.#logins.open(parameters.state, sealed);
    try {
      return await this.#logins.finish(parameters, transaction, async ({ upstream, session, keep }) => {
        keep();
        const { subject, username, email } = session.identity;
        if (subject === undefined) {
          throw new OAuthError("access_denied", `${upstream.name} does not say who has logged in.`);
        }
        const upstreamLogout = await this.#logoutUrl(upstream, session.tokens);
        return { subject, upstreamIssuer: upstream.issuer, name: username ?? email, upstreamLogout };
      });
    } catch (failure) {
      const name = this.#settings.upstreams.byId(transaction.upstream)?.name ?? "The identity provider";
      throw shownFailure(name, failure);
    }
  }

  /** An upstream that cannot say where people sign out leaves the person signed in here all the same. */
  async #logoutUrl(upstream: Upstream, tokens: UpstreamTokens): Promise<string | undefined> {
    const { baseUrl, reporter } = this.#settings;
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
