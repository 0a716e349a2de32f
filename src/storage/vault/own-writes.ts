import { LRUCache } from "lru-cache";
import type { VaultSecret } from "./vault-service.ts";

/** Enough to outlast any delay between a delete and what searches show. */
const maxDeletedIds = 1_000;

/** An item as this instance last wrote or saw it. */
export type KnownItem = Pick<VaultSecret, "id" | "version" | "indexPlace"> & {
  readonly addedWith?: VaultSecret["addedWith"];
  /** Where the index should have the record that was seen, wherever it has the item: another instance may put it there. */
  readonly recordPlace?: string | undefined;
};

/**
 * What this instance knows of its items without asking: the ids of names, which save look-ups, and what it wrote and
 * deleted, which a search that lags behind does not show yet.
 */
export class OwnWrites {
  readonly #items: LRUCache<string, KnownItem>;
  readonly #deletedIds = new LRUCache<string, true>({ max: maxDeletedIds });

  constructor(maxKnownIds: number) {
    this.#items = new LRUCache({ max: maxKnownIds });
  }

  get(name: string): KnownItem | undefined {
    return this.#items.get(name);
  }

  /** Remembers an item. What is known of a later version of it stays. */
  remember(name: string, item: KnownItem): void {
    const { id, version, indexPlace, recordPlace, addedWith } = item;
    const known = this.#items.peek(name);
    if (known?.id === id && known.version >= version) return;
    const isIndexed = indexPlace !== undefined || recordPlace !== undefined;
    this.#items.set(name, isIndexed ? { id, version, indexPlace, recordPlace, addedWith } : { id, version });
  }

  /** Forgets a name where it is known to be that item. */
  forget(name: string, id: string): void {
    if (this.#items.peek(name)?.id === id) this.#items.delete(name);
  }

  rememberDeleted({ name, id }: Pick<VaultSecret, "name" | "id">): void {
    this.#deletedIds.set(id, true);
    this.forget(name, id);
  }

  isDeleted(id: string): boolean {
    return this.#deletedIds.has(id);
  }

  clear(): void {
    this.#items.clear();
    this.#deletedIds.clear();
  }
}
