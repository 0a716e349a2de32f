import { folderPath } from "../../src/storage/vault/options.ts";
import type { VaultReply, VaultSearch, VaultServiceLike } from "../../src/storage/vault/vault-service.ts";

/** An item as `VaultInMemory` keeps it. */
export interface KeptItem {
  readonly id: string;
  readonly type: "secret";
  readonly name: string;
  readonly folder: string;
  metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
  readonly item_versions: { version: number; secret: string | undefined; state: string }[];
}

/** A method of the SDK's service. */
type Method = keyof VaultServiceLike;

/** Vault refuses a request with this status, as the SDK throws it. */
export const refusal = (status: string): Error => Object.assign(new Error("refused"), { response: { status } });

/** A Vault in this process, for what the emulator cannot be made to do. It tells what it was asked. */
export class VaultInMemory implements Required<VaultServiceLike> {
  readonly items: KeptItem[] = [];
  /** Every request that came, in order. */
  readonly requests: (readonly [Method, unknown])[] = [];
  /** What happens before a request is answered. What this throws is the answer. */
  before: (method: Method, request: unknown) => unknown = () => undefined;
  namesRepeat = false;
  #ids = 0;

  /** Puts an item there without a request. */
  plant(item: Partial<Omit<KeptItem, "item_versions">> & { readonly name: string; readonly secret: string }): KeptItem {
    this.#ids += 1;
    const { secret, ...rest } = item;
    const item_versions = [{ version: 1, secret, state: "active" }];
    const id = `pvi_${this.#ids}`;
    const created_at = new Date(Date.UTC(2027, 0, 1) + this.#ids).toISOString();
    const kept: KeptItem = { id, type: "secret", folder: "/", metadata: {}, created_at, ...rest, item_versions };
    this.items.push(kept);
    return kept;
  }

  /** The names of the methods that were called since the last look. */
  calls(): Method[] {
    return this.requests.splice(0).map(([method]) => method);
  }

  named(name: string): KeptItem {
    const found = this.items.find((item) => item.name === name);
    if (found === undefined) throw new RangeError(`There is no item ${name}.`);
    return found;
  }

  async secretStore(request: Parameters<VaultServiceLike["secretStore"]>[0]): Promise<VaultReply> {
    await this.#asked("secretStore", request);
    const { name, secret = "", folder = "/", metadata = {} } = request;
    const isThere = this.items.some((item) => item.name === name && folderPath(item.folder) === folderPath(folder));
    if (isThere && !this.namesRepeat) throw refusal("ValidationError");
    const texts = Object.fromEntries(Object.entries(metadata).map(([member, value]) => [member, String(value)]));
    return { result: this.plant({ name, secret, folder, metadata: texts }) };
  }

  async secretRotate(request: Parameters<VaultServiceLike["secretRotate"]>[0]): Promise<VaultReply> {
    await this.#asked("secretRotate", request);
    const { item_versions, ...item } = this.#itemOf(request.id);
    const current = item_versions.at(-1);
    const { secret, rotation_state: state = "destroyed" } = request;
    if (current === undefined) throw refusal("VaultItemNotFound");
    if (state === "destroyed") current.secret = undefined;
    current.state = state;
    item_versions.push({ version: current.version + 1, secret, state: "active" });
    return { result: { ...item, item_versions: item_versions.slice(-1) } };
  }

  async getItem(request: Parameters<VaultServiceLike["getItem"]>[0]): Promise<VaultReply> {
    await this.#asked("getItem", request);
    return { result: structuredClone(this.#itemOf(request.id)) };
  }

  async getBulk(request: VaultSearch): Promise<VaultReply> {
    await this.#asked("getBulk", request);
    const filter = Object.entries(request.filter ?? {});
    const items = this.items.filter((item) => filter.every(([field, wanted]) => isFound(item, field, wanted)));
    return { result: { items: structuredClone(items) } };
  }

  async delete(id: string): Promise<VaultReply> {
    await this.#asked("delete", id);
    this.items.splice(this.items.indexOf(this.#itemOf(id)), 1);
    return { result: {} };
  }

  async update(request: { readonly id: string; readonly metadata?: object }): Promise<VaultReply> {
    await this.#asked("update", request);
    const item = this.#itemOf(request.id);
    item.metadata = Object.fromEntries(Object.entries(request.metadata ?? {}));
    return { result: structuredClone(item) };
  }

  async #asked(method: Method, request: unknown): Promise<void> {
    this.requests.push([method, request]);
    await this.before(method, request);
  }

  #itemOf(id: string): KeptItem {
    const found = this.items.find((item) => item.id === id);
    if (found === undefined) throw refusal("VaultItemNotFound");
    return found;
  }
}

function isFound(item: KeptItem, field: string, wanted: unknown): boolean {
  if (field === "type") return item.type === wanted;
  if (field === "folder") return typeof wanted === "string" && folderPath(item.folder) === folderPath(wanted);
  if (field === "name") return item.name === wanted;
  if (field === "name__in") return Array.isArray(wanted) && wanted.includes(item.name);
  return field.startsWith("metadata_") && item.metadata[field.slice("metadata_".length)] === wanted;
}
