import { randomIdentifier } from "../identifiers.ts";
import { ChangeHistory } from "./change-history.ts";
import { rootFolder, splitFolder } from "./folder-path.ts";
import { pathOf, type VaultItem } from "./item.ts";

type Without<Item, Key extends PropertyKey> = Item extends unknown ? Omit<Item, Key> : never;

/** An item before the store has given it its identity. */
export type NewItem = Without<VaultItem, "id" | "sequence">;

/** A name that an item has or is to have. */
export interface NameInFolder {
  readonly folder: string;
  readonly name?: string | undefined;
  readonly type: VaultItem["type"];
}

const unnamed = "";

/**
 * Vault's items in memory, indexed by id and by folder and name. Every method is synchronous, so each request is one
 * atomic step.
 */
export class VaultStore {
  readonly history = new ChangeHistory();
  readonly #byId = new Map<string, VaultItem>();
  /** Folder, then name, then ids: a name has more than one id where a fault lets it, or where it names a secret and a folder. */
  readonly #byFolder = new Map<string, Map<string, Set<string>>>();
  #sequence = 0;

  find(id: string): VaultItem | undefined {
    return this.#byId.get(id);
  }

  /** The items that have one of the ids. */
  *withIds(ids: Iterable<string> = []): Generator<VaultItem> {
    for (const id of ids) {
      const item = this.#byId.get(id);
      if (item !== undefined) yield item;
    }
  }

  /** In the order of creation. */
  all(): Iterable<VaultItem> {
    return this.#byId.values();
  }

  /** The direct children of a folder, in no particular order. */
  *inFolder(folder: string): Generator<VaultItem> {
    for (const ids of this.#byFolder.get(folder)?.values() ?? []) yield* this.withIds(ids);
  }

  /** The direct children of a folder with that name. */
  *named(folder: string, name: string): Generator<VaultItem> {
    yield* this.withIds(this.#byFolder.get(folder)?.get(name));
  }

  /** The items with that name in any folder. */
  *namedAnywhere(name: string): Generator<VaultItem> {
    for (const names of this.#byFolder.values()) yield* this.withIds(names.get(name));
  }

  /** Whether another item of the same type has the name in the folder. `except` is an id to overlook. */
  isNameTaken({ folder, name = unnamed, type }: NameInFolder, except?: string): boolean {
    if (name === unnamed) return false;
    return [...this.named(folder, name)].some((other) => other.id !== except && other.type === type);
  }

  /** Adds an item and the folders that it needs. */
  insert<Item extends NewItem>(item: Item, now: number): Item & { id: string; sequence: number } {
    this.#ensureFolder(item.folder, now);
    const stored = { ...item, id: randomIdentifier("pvi"), sequence: ++this.#sequence };
    this.#byId.set(stored.id, stored);
    this.#index(stored);
    this.history.record(stored.id, undefined, now);
    return stored;
  }

  /** Puts a changed item in the place of the one with its id. What is in a folder goes where the folder goes. */
  replace(item: VaultItem, now: number): void {
    const before = this.#byId.get(item.id);
    if (before === undefined) return;
    const children = before.type === "folder" ? [...this.inFolder(pathOf(before))] : [];
    this.#ensureFolder(item.folder, now);
    this.#unindex(before);
    this.#index(item);
    this.#byId.set(item.id, item);
    this.history.record(item.id, before, now);
    if (item.type !== "folder" || before.type !== "folder" || pathOf(item) === pathOf(before)) return;
    for (const child of children) this.replace({ ...child, folder: pathOf(item) }, now);
  }

  /** Removes an item, and where it is a folder, everything in it. */
  remove(item: VaultItem, now: number): void {
    if (item.type === "folder") for (const child of [...this.inFolder(pathOf(item))]) this.remove(child, now);
    this.#byId.delete(item.id);
    this.#unindex(item);
    this.history.record(item.id, item, now);
  }

  clear(): void {
    this.#byId.clear();
    this.#byFolder.clear();
    this.history.clear();
  }

  /** Creates the folder items that a normalised path needs and that are not there yet. */
  #ensureFolder(path: string, now: number): void {
    if (path === rootFolder) return;
    const wanted = { type: "folder", ...splitFolder(path) } as const;
    if (!this.isNameTaken(wanted)) this.insert({ ...wanted, createdAt: now }, now);
  }

  #index({ id, folder, name = unnamed }: VaultItem): void {
    const names = this.#byFolder.get(folder) ?? new Map<string, Set<string>>();
    const ids = names.get(name) ?? new Set<string>();
    this.#byFolder.set(folder, names.set(name, ids.add(id)));
  }

  #unindex({ id, folder, name = unnamed }: VaultItem): void {
    const names = this.#byFolder.get(folder);
    const ids = names?.get(name);
    ids?.delete(id);
    if (ids?.size === 0) names?.delete(name);
    if (names?.size === 0) this.#byFolder.delete(folder);
  }
}
