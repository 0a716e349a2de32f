export {
  createVaultRepositories,
  type VaultRepositories,
  type VaultRepositoriesOptions,
} from "./records/create-vault-repositories.ts";
export type { PangeaVaultRepositoryOptions, VaultConnectionOptions } from "./storage/vault/options.ts";
export { PangeaVaultRepository } from "./storage/vault/vault-repository.ts";
export type { VaultReply, VaultSearch, VaultServiceLike } from "./storage/vault/vault-service.ts";
