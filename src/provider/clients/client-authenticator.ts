import { OAuthError } from "../../errors.ts";
import type { ClientAuthentication } from "../../records/authorization-code.ts";
import type { ClientAssertions } from "./client-assertions.ts";
import { type ClientCredentials, checkClientSecret, clientAuthenticationOf } from "./client-authentication.ts";
import type { ClientRegistry } from "./client-registry.ts";

/**
 * Checks that the caller of the token or revocation endpoint is the client that it says it is.
 *
 * @param known - How the client authenticates, where a record at hand says so; saves the read of the client's own.
 * @throws {OAuthError} with `invalid_client`; with `temporarily_unavailable` when a client's site does not answer.
 * @throws {StorageError} when the store fails.
 */
export type AuthenticateClient = (
  credentials: ClientCredentials,
  known?: ClientAuthentication,
) => Promise<ClientAuthentication>;

/** Makes the check of clients that a registry knows. */
export function clientAuthenticator(
  registry: ClientRegistry,
  assertions: ClientAssertions,
  now: () => number,
): AuthenticateClient {
  return async (credentials, known) => {
    const isSaid = known !== undefined && known.tokenEndpointAuthMethod !== "private_key_jwt";
    // What a configured client shows is compared with the options, which are at hand.
    if (isSaid && !registry.isConfigured(credentials.clientId)) {
      checkClientSecret(credentials, known, now());
      return known;
    }
    const client = await registry.find(credentials.clientId);
    if (client === undefined) throw new OAuthError("invalid_client", "The client_id or client_secret is wrong.");
    const authentication = clientAuthenticationOf(client.information);
    if (authentication.tokenEndpointAuthMethod === "private_key_jwt") {
      await assertions.verify(client, credentials.assertion);
    } else {
      checkClientSecret(credentials, authentication, now());
    }
    return authentication;
  };
}
