import type { IdentifierSource } from "../identifier-source.ts";
import { ChangeHistory } from "./change-history.ts";
import { normaliseFolder, ROOT_FOLDER, splitFolder } from "./folder-path.ts";
import { type FolderItem, pathOf, type VaultItem } from "./item.ts";

type Without<Item, Key extends PropertyKey> = Item extends unknown ? Omit<Item, Key> : never;

/** An item before the store has given it its identity. */
export type NewItem = Without<VaultItem, "id" | "sequence">;

const UNNAMED = "";

/**
 * Vault's items in memory, indexed by id and by folder and name. Every method is synchronous, so each request is one
 * atomic step.
 */
export class VaultStore {
  readonly history = new ChangeHistory();
  readonly #byId = new Map<string, VaultItem>();
  /** Folder, then name, then ids: a name has more than one id where a fault lets it, or where it names a secret and a folder. */
  readonly #byFolder = new Map<string, Map<string, string[]>>();
  readonly #identifiers: IdentifierSource;
  #sequence = 0;

  constructor(identifiers: IdentifierSource) {
    this.#identifiers = identifiers;
  }

  get size(): number {
    return this.#byId.size;
  }

  find(id: string): VaultItem | undefined {
    return this.#byId.get(id);
  }

  /** In the order of creation. */
  all(): Iterable<VaultItem> {
    return this.#byId.values();
  }

  /** The direct children of a folder, in no particular order. */
  *inFolder(folder: string): Generator<VaultItem> {
    for (const ids of this.#byFolder.get(folder)?.values() ?? []) yield* this.#resolve(ids);
  }

  /** The direct children of a folder with that name. */
  *named(folder: string, name: string): Generator<VaultItem> {
    yield* this.#resolve(this.#byFolder.get(folder)?.get(name) ?? []);
  }

  /** The items with that name in any folder. */
  *namedAnywhere(name: string): Generator<VaultItem> {
    for (const names of this.#byFolder.values()) yield* this.#resolve(names.get(name) ?? []);
  }

  /** Whether another item of the same sort (folder or not) has the name in the folder. `except` is an id to overlook. */
  isNameTaken(item: { folder: string; name?: string; type: VaultItem["type"] }, except?: string): boolean {
    if (item.name === undefined || item.name === UNNAMED) return false;
    for (const other of this.named(item.folder, item.name)) {
      if (other.id !== except && (other.type === "folder") === (item.type === "folder")) return true;
    }
    return false;
  }

  /** Adds an item and the folders that it needs. */
  insert<Item extends NewItem>(item: Item, now: number): Item & { id: string; sequence: number } {
    this.ensureFolder(item.folder, now);
    const stored = { ...item, id: this.#identifiers.next("pvi"), sequence: ++this.#sequence };
    this.#put(stored, now);
    return stored;
  }

  /** Puts a changed item in the place of the one with its id. */
  replace(item: VaultItem, now: number): void {
    const before = this.#byId.get(item.id);
    if (before === undefined) return;
    this.ensureFolder(item.folder, now);
    if (before.folder !== item.folder || before.name !== item.name) {
      this.#unindex(before);
      this.#index(item);
    }
    this.#byId.set(item.id, item);
    this.history.record(item.id, before, now);
  }

  /** Removes an item, and where it is a folder, everything in it. */
  remove(item: VaultItem, now: number): void {
    if (item.type === "folder") for (const child of [...this.inFolder(pathOf(item))]) this.remove(child, now);
    this.#byId.delete(item.id);
    this.#unindex(item);
    this.history.record(item.id, item, now);
  }

  /** Renames or moves a folder together with what is in it. */
  moveFolder(before: FolderItem, after: FolderItem, now: number): void {
    const children = [...this.inFolder(pathOf(before))];
    this.replace(after, now);
    for (const child of children) {
      const moved = { ...child, folder: pathOf(after) };
      if (child.type === "folder" && moved.type === "folder") this.moveFolder(child, moved, now);
      else this.replace(moved, now);
    }
  }

  /** Creates the folder items that a normalised path needs and that are not there yet. */
  ensureFolder(folder: string, now: number): void {
    if (folder === ROOT_FOLDER || this.findFolder(folder) !== undefined) return;
    const { parent, name } = splitFolder(folder);
    this.insert({ type: "folder", name, folder: parent, createdAt: now }, now);
  }

  /** The folder item of a normalised path. The root has none. */
  findFolder(folder: string): FolderItem | undefined {
    if (folder === ROOT_FOLDER) return undefined;
    const { parent, name } = splitFolder(normaliseFolder(folder));
    for (const item of this.named(parent, name)) if (item.type === "folder") return item;
    return undefined;
  }

  clear(): void {
    this.#byId.clear();
    this.#byFolder.clear();
    this.history.clear();
  }

  #put(item: VaultItem, now: number): void {
    this.#byId.set(item.id, item);
    this.#index(item);
    this.history.record(item.id, undefined, now);
  }

  #index(item: VaultItem): void {
    const name = item.name ?? UNNAMED;
    let names = this.#byFolder.get(item.folder);
    if (names === undefined) {
      names = new Map();
      this.#byFolder.set(item.folder, names);
    }
    const ids = names.get(name);
    if (ids === undefined) names.set(name, [item.id]);
    else ids.push(item.id);
  }

  #unindex(item: VaultItem): void {
    const name = item.name ?? UNNAMED;
    const names = this.#byFolder.get(item.folder);
    const ids = names?.get(name);
    if (names === undefined || ids === undefined) return;
    const position = ids.indexOf(item.id);
    if (position >= 0) ids.splice(position, 1);
    if (ids.length === 0) names.delete(name);
    if (names.size === 0) this.#byFolder.delete(item.folder);
  }

  *#resolve(ids: readonly string[]): Generator<VaultItem> {
    for (const id of ids) {
      const item = this.#byId.get(id);
      if (item !== undefined) yield item;
    }
  }
}
