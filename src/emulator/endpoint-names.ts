/** The endpoints of Vault v2 that the emulator has. */
export const vaultEndpoints = [
  "vault/v2/secret/store",
  "vault/v2/secret/rotate",
  "vault/v2/get",
  "vault/v2/get_bulk",
  "vault/v2/list",
  "vault/v2/update",
  "vault/v2/delete",
  "vault/v2/state/change",
  "vault/v2/folder/create",
] as const;

/** The name of one of Vault's endpoints: its path. */
export type VaultEndpointName = (typeof vaultEndpoints)[number];

/** Whether the emulated Vault has an endpoint of that name. */
export function isVaultEndpoint(name: string): name is VaultEndpointName {
  return vaultEndpoints.some((endpoint) => endpoint === name);
}
