export {
  createVaultRepositories,
  type VaultRepositories,
  type VaultRepositoriesOptions,
} from "../../records/create-vault-repositories.ts";
export type { PangeaVaultRepositoryOptions, VaultConnectionOptions } from "./options.ts";
export { PangeaVaultRepository } from "./vault-repository.ts";
export type { VaultReply, VaultSearch, VaultServiceLike } from "./vault-service.ts";
