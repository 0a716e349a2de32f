import { accessTokenKey, refreshTokenKey } from "../../records/keys.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import type { Grants } from "../grants/grants.ts";
import { isOpaqueToken, isPythonAccessToken } from "../oauth/opaque-token.ts";

/** Revokes tokens at their client's wish (RFC 7009). */
export class TokenRevoker {
  readonly #configuration: ProviderConfiguration;
  readonly #grants: Grants;

  constructor(configuration: ProviderConfiguration, grants: Grants) {
    this.#configuration = configuration;
    this.#grants = grants;
  }

  /**
   * Revokes a token: an access token by itself, a refresh token with its whole grant. A token that is unknown, or is
   * another client's, is left alone without a word, so that nobody learns whether it exists.
   *
   * @throws `StorageError` when the store fails.
   */
  async revoke(clientId: string, token: string): Promise<void> {
    const { accessTokens, refreshTokens } = this.#configuration.repositories;
    if (isOpaqueToken("refresh_token", token)) {
      const record = await refreshTokens.get(refreshTokenKey(token));
      if (record?.clientId !== clientId || record.grantId === undefined) return;
      await this.#grants.revoke(record.grantId, token, record.wrappedKey);
    } else if (isOpaqueToken("access_token", token) || isPythonAccessToken(token)) {
      const record = await accessTokens.get(accessTokenKey(token));
      if (record?.clientId !== clientId) return;
      await this.#grants.revokeAccessToken(accessTokenKey(token));
      emit("token-revoked", { clientId, grantId: record.grantId });
    }
  }
}
