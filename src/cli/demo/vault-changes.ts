import type { EmulatedVaultItem, PangeaEmulator } from "../../emulator/index.ts";

/** What a step did in Vault: the items it wrote and removed, and the calls it took. */
export interface VaultChanges {
  readonly written: readonly EmulatedVaultItem[];
  readonly removed: readonly EmulatedVaultItem[];
  readonly calls: number;
}

/** Watches the emulated Vault from one step to the next. */
export class VaultWatch {
  readonly #emulator: PangeaEmulator;
  #items = new Map<string, EmulatedVaultItem>();

  constructor(emulator: PangeaEmulator) {
    this.#emulator = emulator;
    this.changes();
  }

  /** What has changed since the last call. */
  changes(): VaultChanges {
    const items = new Map(this.#emulator.vault.items().map((item) => [item.id, item]));
    const written = [...items.values()].filter((item) => this.#items.get(item.id)?.versions !== item.versions);
    const removed = [...this.#items.values()].filter((item) => !items.has(item.id));
    const calls = this.#emulator.calls.total("vault");
    this.#items = items;
    this.#emulator.calls.reset();
    return { written, removed, calls };
  }
}

/** An item in a few words, with its key shortened: the key is a hash or an id, never a secret. */
export function describeItem(item: EmulatedVaultItem): string {
  const kind = (item.metadata.kind ?? "record").replaceAll("_", " ");
  const name = item.name ?? "";
  return `${kind} ${name.length > 18 ? `${name.slice(0, 16)}…` : name}`;
}
