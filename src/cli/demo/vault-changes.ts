import type { PangeaEmulator } from "../../emulator/pangea-emulator.ts";
import type { EmulatedVaultItem } from "../../emulator/vault/vault-emulator.ts";
import type { ProviderRepositories } from "../../records/repositories.ts";

/** What a step did in Vault: the items that it made, wrote again and removed, in a few words each, and the calls it took. */
export interface VaultChanges {
  readonly made: readonly string[];
  readonly rewritten: readonly string[];
  readonly removed: readonly string[];
  readonly calls: number;
}

/** Watches the emulated Vault from one step to the next. */
export class VaultWatch {
  readonly #emulator: PangeaEmulator;
  readonly #repositories: Pick<ProviderRepositories, "grants">;
  readonly #descriptions = new Map<string, string>();
  #items = new Map<string, EmulatedVaultItem>();

  constructor(emulator: PangeaEmulator, repositories: Pick<ProviderRepositories, "grants">) {
    this.#emulator = emulator;
    this.#repositories = repositories;
  }

  /** What has changed since the last call. */
  async changes(): Promise<VaultChanges> {
    const calls = this.#emulator.calls.total("vault");
    const items = new Map(this.#emulator.vault.items().map((item) => [item.id, item]));
    const written = [...items.values()].filter((item) => this.#items.get(item.id)?.versions !== item.versions);
    const removed = [...this.#items.keys()].filter((id) => !items.has(id));
    for (const item of written) this.#descriptions.set(item.id, await this.#describe(item));
    const before = this.#items;
    const isKnown = ({ id }: EmulatedVaultItem): boolean => before.has(id);
    this.#items = items;
    // The look into the records is the demo's own, not the provider's.
    this.#emulator.calls.reset();
    const described = (ids: readonly string[]) => ids.map((id) => this.#descriptions.get(id) ?? "record");
    const idsOf = (some: readonly EmulatedVaultItem[]) => some.map(({ id }) => id);
    return {
      made: described(idsOf(written.filter((item) => !isKnown(item)))),
      rewritten: described(idsOf(written.filter(isKnown))),
      removed: described(removed),
      calls,
    };
  }

  /** An item in a few words, with its key shortened: the key is a hash or an id, never a secret. */
  async #describe({ name = "", metadata }: EmulatedVaultItem): Promise<string> {
    const shortened = name.length > 10 ? `${name.slice(0, 9)}…` : name;
    return `${await this.#whatItIs(metadata.kind ?? "record", name)} ${shortened}`;
  }

  async #whatItIs(kind: string, key: string): Promise<string> {
    if (kind === "grant") {
      const grant = await this.#repositories.grants.get(key);
      if (grant?.revokedAt !== undefined) return "revoked grant";
    }
    return kind.replaceAll(/[_.]/g, " ");
  }
}
