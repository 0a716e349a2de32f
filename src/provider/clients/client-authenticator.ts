import { OAuthError } from "../../errors.ts";
import type { ClientAuthentication } from "../../records/authorization-code.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { ClientAssertions } from "./client-assertions.ts";
import { type ClientCredentials, checkClientSecret, clientAuthenticationOf } from "./client-authentication.ts";
import type { ClientRegistry, KnownClient } from "./client-registry.ts";

/** Authenticates the clients that call the token and revocation endpoints. */
export class ClientAuthenticator {
  readonly #configuration: ProviderConfiguration;
  readonly #registry: ClientRegistry;
  readonly #assertions: ClientAssertions;

  constructor(configuration: ProviderConfiguration, registry: ClientRegistry, assertions: ClientAssertions) {
    this.#configuration = configuration;
    this.#registry = registry;
    this.#assertions = assertions;
  }

  /**
   * Checks that the caller is the client that it says it is.
   *
   * @param known - How the client authenticates, where a record at hand says so; saves the read of the client's own.
   * @throws `OAuthError` with `invalid_client`, `temporarily_unavailable` where a client's site does not answer, and
   * `StorageError` when the store fails.
   */
  async authenticate(credentials: ClientCredentials, known?: ClientAuthentication): Promise<ClientAuthentication> {
    if (known !== undefined && known.tokenEndpointAuthMethod !== "private_key_jwt") {
      checkClientSecret(credentials, known, this.#now());
      return known;
    }
    const client = await this.#find(credentials.clientId);
    const authentication = clientAuthenticationOf(client.information);
    if (authentication.tokenEndpointAuthMethod === "private_key_jwt") {
      await this.#assertions.verify(client.information, credentials.assertion);
    } else {
      checkClientSecret(credentials, authentication, this.#now());
    }
    return authentication;
  }

  async #find(clientId: string): Promise<KnownClient> {
    const client = await this.#registry.find(clientId);
    if (client === undefined) throw new OAuthError("invalid_client", "The client_id or client_secret is wrong.");
    return client;
  }

  #now(): number {
    return this.#configuration.clock() / 1000;
  }
}
