import type { AuthorizationCodeGrantChecks, Configuration, TokenEndpointResponse } from "openid-client";
import { UpstreamRejectedError } from "../../errors.ts";
import { whileWatched } from "./answered-tokens.ts";
import { promptOf } from "./authorization-parameters.ts";
import { clientFailure } from "./client-failure.ts";
import type { UpstreamCodeExchange, UpstreamLoginRequest, UpstreamTokens } from "./contract.ts";
import { type Client, tokensOf } from "./openid-client.ts";
import { revokeEach } from "./revoke-each.ts";
import { isSameIssuer } from "./upstreams.ts";

/** openid-client, and what it knows of one provider. */
export interface OpenedClient {
  readonly client: Client;
  readonly configuration: Configuration;
}

/** What providers are asked by openid-client in the same way, with OpenID Connect and without. */
export class ClientRequests {
  readonly #name: string;
  readonly #open: () => Promise<OpenedClient>;

  /**
   * @param name - The upstream's, for messages.
   * @param open - Gives the client, with the addresses of the provider.
   */
  constructor(name: string, open: () => Promise<OpenedClient>) {
    this.#name = name;
    this.#open = open;
  }

  /**
   * @param further - Parameters beside those that every login has.
   * @param prompts - The values of `prompt` that the provider knows, where it refuses others.
   */
  async authorizationUrl(
    { state, codeChallenge, redirectUri, prompt }: UpstreamLoginRequest,
    scopes: readonly string[],
    further: Readonly<Record<string, string>>,
    prompts?: readonly string[],
  ): Promise<URL> {
    const { client, configuration } = await this.#open();
    return client.buildAuthorizationUrl(configuration, {
      ...further,
      redirect_uri: redirectUri,
      ...(scopes.length > 0 && { scope: scopes.join(" ") }),
      state,
      code_challenge: codeChallenge,
      code_challenge_method: "S256",
      ...promptOf(further.prompt, prompt, prompts),
    });
  }

  /**
   * @param checks - What the reply has to have.
   * @throws {UpstreamRejectedError} with `invalid_grant` when the answer does not name its issuer, though the provider says that
   * its answers do: the answer is at fault then, and not the provider, for a browser can bring anything.
   */
  async redeem(
    { code, codeVerifier, redirectUri, issuer, noteTokens }: UpstreamCodeExchange,
    checks: AuthorizationCodeGrantChecks = {},
  ): Promise<TokenEndpointResponse> {
    const { client, configuration } = await this.#open();
    const { issuer: own, authorization_response_iss_parameter_supported: isNamed } = configuration.serverMetadata();
    if (issuer === undefined && isNamed === true) throw unnamedIssuer(this.#name);
    const named = issuer !== undefined && isSameIssuer(issuer, own) ? own : issuer;
    const answered = new URL(redirectUri);
    answered.search = new URLSearchParams({ code, ...(named !== undefined && { iss: named }) }).toString();
    const redeem = () =>
      client.authorizationCodeGrant(configuration, answered, { ...checks, pkceCodeVerifier: codeVerifier });
    return this.ask("its token endpoint", () => whileWatched(noteTokens, redeem));
  }

  async refresh(refreshToken: string): Promise<UpstreamTokens> {
    const { client, configuration } = await this.#open();
    const reply = await this.ask("its token endpoint", () => client.refreshTokenGrant(configuration, refreshToken));
    return { refreshToken, ...tokensOf(reply, Date.now()) };
  }

  /** Revokes each token where the provider has an endpoint for it; elsewhere they expire, and this says false. */
  async revoke(tokens: UpstreamTokens): Promise<boolean> {
    const { client, configuration } = await this.#open();
    if (configuration.serverMetadata().revocation_endpoint === undefined) return false;
    await revokeEach(tokens, (token) =>
      this.ask("its revocation endpoint", () => client.tokenRevocation(configuration, token)),
    );
    return true;
  }

  /**
   * Asks the provider, and says what a failure means.
   *
   * @param path - What is asked for, in words: "its token endpoint".
   * @throws {UpstreamRejectedError} when the provider refuses.
   * @throws {UpstreamUnavailableError} when it does not answer.
   */
  async ask<T>(path: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw clientFailure(error, this.#name, path);
    }
  }
}

/** RFC 9207 section 2.4. */
function unnamedIssuer(name: string): UpstreamRejectedError {
  const advice = `${name} says that its answers name their issuer. Where no proxy takes \`iss\` away, somebody has mixed up two logins.`;
  return new UpstreamRejectedError("invalid_grant", "The answer does not name its issuer.", { advice });
}
