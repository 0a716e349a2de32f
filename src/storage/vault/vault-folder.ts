import { IndexSchemes } from "./index-schemes.ts";
import type { VaultRepositorySettings } from "./options.ts";
import { SecretLookup } from "./secret-lookup.ts";
import { StoresTogether } from "./stores-together.ts";
import { VaultCalls } from "./vault-calls.ts";
import type { VaultServiceLike } from "./vault-service.ts";

/**
 * A folder of Vault, seen by one instance. The repositories of several kinds of record can share one: what they look for
 * at the same time is then one call.
 */
export class VaultFolder {
  readonly calls: VaultCalls;
  readonly lookup: SecretLookup;
  readonly stores = new StoresTogether();
  readonly schemes: IndexSchemes;

  constructor(service: VaultServiceLike, settings: VaultRepositorySettings) {
    this.calls = new VaultCalls(service, settings);
    this.lookup = new SecretLookup(this.calls, settings.folder);
    this.schemes = new IndexSchemes(this.calls, this.lookup, settings);
  }
}
