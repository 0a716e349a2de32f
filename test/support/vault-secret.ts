import type { VaultSecret } from "../../src/storage/vault/vault-service.ts";

/** An item of Vault as a search gives it back: a live record of the name "a", unless something else is said. */
export function vaultSecret(id: string, rest: Partial<VaultSecret> = {}): VaultSecret {
  return {
    id,
    name: "a",
    folder: undefined,
    writer: undefined,
    kind: undefined,
    addedWith: undefined,
    version: 1,
    text: "live",
    createdAt: "2027-01-01T00:00:00Z",
    writtenAt: "2027-01-01T00:00:00Z",
    ...rest,
  };
}
