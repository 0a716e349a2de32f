import { Vault, type VaultService } from "pangea-node-sdk";
import type { VaultServiceLike } from "../../src/vault.ts";

/** The SDK's service, as a program would replace parts of it. */
export function vaultServiceOf(real: VaultService, replaced: Partial<VaultServiceLike> = {}): VaultServiceLike {
  return {
    secretStore: (request) => real.secretStore({ ...request, type: Vault.ItemType.SECRET }),
    secretRotate: ({ id, secret = "" }) =>
      real.secretRotate({ id, secret, rotation_state: Vault.ItemVersionState.DESTROYED }),
    getItem: (request) => real.getItem(request),
    getBulk: (request) => real.getBulk(request),
    delete: (id) => real.delete(id),
    update: (request) => real.update(request),
    ...replaced,
  };
}
