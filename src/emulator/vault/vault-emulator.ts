import type { VaultEndpointName } from "../endpoint-names.ts";
import type { Behaviours } from "../faults/fault-plan.ts";
import type { PangeaReply } from "../http/envelope.ts";
import type { Endpoint } from "./endpoint.ts";
import { createFolder } from "./folder-endpoints.ts";
import { deleteItem, getItem, updateItem } from "./item-endpoints.ts";
import { getItems, listItems } from "./search-endpoints.ts";
import { changeState, rotateSecret, storeSecret } from "./secret-endpoints.ts";
import { VaultStore } from "./store.ts";

/** What the emulated Vault holds, without its secrets. */
export interface EmulatedVaultItem {
  readonly id: string;
  readonly type: "secret" | "folder";
  /** `undefined` where the item was stored without one. */
  readonly name: string | undefined;
  /** With a slash at both ends: `/tokens/`. */
  readonly folder: string;
  /** The number of versions: 1 after a store, one more after each rotation, 0 for a folder. */
  readonly versions: number;
  /** As it was stored; empty where there was none. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/**
 * A look into the emulated Vault, past HTTP: nothing here is counted or subject to faults.
 *
 * @example
 * ```ts
 * for (const { folder, name, versions } of emulator.vault.items()) console.log(folder, name, versions);
 * ```
 */
export interface EmulatedVault {
  /** The secrets, in the order of creation; and the folders, where asked for. */
  items(options?: { readonly folders?: boolean }): readonly EmulatedVaultItem[];
  /** Removes everything. */
  clear(): void;
}

const endpoints: Readonly<Record<VaultEndpointName, Endpoint>> = {
  "vault/v2/secret/store": storeSecret,
  "vault/v2/secret/rotate": rotateSecret,
  "vault/v2/get": getItem,
  "vault/v2/get_bulk": getItems,
  "vault/v2/list": listItems,
  "vault/v2/update": updateItem,
  "vault/v2/delete": deleteItem,
  "vault/v2/state/change": changeState,
  "vault/v2/folder/create": createFolder,
};

/** Pangea Vault v2's items and endpoints, without the HTTP around them. */
export class VaultEmulator implements EmulatedVault {
  readonly #store = new VaultStore();
  readonly #clock: () => number;

  /** `clock` gives milliseconds since the epoch. */
  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** Carries out one request, in one synchronous step. `body` is the request's text. */
  answer(endpoint: VaultEndpointName, body: string, behaviours: Behaviours): PangeaReply {
    return endpoints[endpoint](body, { store: this.#store, now: this.#clock(), behaviours });
  }

  /** Says how far back stale reads may look, in milliseconds. */
  keepHistory(milliseconds: number): void {
    this.#store.history.reach = milliseconds;
  }

  items(options: { readonly folders?: boolean } = {}): readonly EmulatedVaultItem[] {
    const items = [...this.#store.all()].filter(({ type }) => type === "secret" || options.folders === true);
    return items.map((item) => {
      const { id, type, name, folder, metadata = {}, createdAt } = item;
      return {
        id,
        type,
        name,
        folder,
        metadata,
        createdAt,
        versions: item.type === "folder" ? 0 : item.current.version,
      };
    });
  }

  clear(): void {
    this.#store.clear();
  }
}
