import type { ZodType } from "zod";
import { connectToVault } from "../storage/vault/connect.ts";
import type { PangeaVaultRepositoryOptions } from "../storage/vault/options.ts";
import { PangeaVaultRepository } from "../storage/vault/vault-repository.ts";
import type { VaultServiceLike } from "../storage/vault/vault-service.ts";
import { type AccessToken, AccessTokenSchema } from "./access-token.ts";
import { type AuthorizationCode, AuthorizationCodeSchema } from "./authorization-code.ts";
import { type ClientAssertion, ClientAssertionSchema } from "./client-assertion.ts";
import { type Grant, GrantSchema } from "./grant.ts";
import { type OAuthClientInformation, OAuthClientInformationSchema } from "./oauth-client-information.ts";
import { type RefreshToken, RefreshTokenSchema } from "./refresh-token.ts";

/** Every repository of a provider, in Vault. */
export interface VaultRepositories extends AsyncDisposable {
  readonly accessTokens: PangeaVaultRepository<AccessToken>;
  readonly authorizationCodes: PangeaVaultRepository<AuthorizationCode>;
  readonly refreshTokens: PangeaVaultRepository<RefreshToken>;
  readonly clients: PangeaVaultRepository<OAuthClientInformation>;
  readonly grants: PangeaVaultRepository<Grant>;
  readonly clientAssertions: PangeaVaultRepository<ClientAssertion>;
  /** Deletes what has expired, of every kind. Returns the number of items deleted. */
  sweep(): Promise<number>;
}

/** The options of `createVaultRepositories`: those of a repository that concern all kinds alike. */
export type VaultRepositoriesOptions = Omit<PangeaVaultRepositoryOptions<never>, "kind" | "expiresAt">;

/**
 * Builds every repository of a provider in Vault. All kinds of record share one folder, told apart by the item's
 * metadata; where the folder is a Python server's, its access tokens and clients go on working.
 *
 * @param tokenOrService - A Vault token (`pts_…`), or a `VaultService` of `pangea-node-sdk`.
 * @throws `ConfigurationError` that names the option that is wrong.
 *
 * @example
 * ```ts
 * const repositories = createVaultRepositories(process.env.PANGEA_VAULT_TOKEN, { folder: "/mcp" });
 * const provider = new PangeaOAuthProvider({ ...settings, repositories });
 * ```
 */
export function createVaultRepositories(
  tokenOrService: string | VaultServiceLike,
  options: VaultRepositoriesOptions = {},
): VaultRepositories {
  const service = typeof tokenOrService === "object" ? tokenOrService : connectToVault(tokenOrService, options);
  const create = <V>(schema: ZodType<V>, kind: string) =>
    new PangeaVaultRepository<V>(schema, service, { ...options, kind });
  const repositories = {
    accessTokens: create<AccessToken>(AccessTokenSchema, "access_token"),
    authorizationCodes: create<AuthorizationCode>(AuthorizationCodeSchema, "authorization_code"),
    refreshTokens: create<RefreshToken>(RefreshTokenSchema, "refresh_token"),
    clients: create<OAuthClientInformation>(OAuthClientInformationSchema, "client"),
    grants: create<Grant>(GrantSchema, "grant"),
    clientAssertions: create<ClientAssertion>(ClientAssertionSchema, "client_assertion"),
  };
  const all = Object.values(repositories);
  return {
    ...repositories,
    async sweep() {
      let deleted = 0;
      for (const repository of all) deleted += await repository.sweep();
      return deleted;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((repository) => repository[Symbol.asyncDispose]()));
    },
  };
}
