import { type Claimed, claim } from "./claim.ts";
import type { ItemRecords } from "./item-records.ts";
import { isClaimed, type Namesakes, type Standing } from "./namesakes.ts";
import type { VaultRepositorySettings } from "./options.ts";
import type { OwnWrites } from "./own-writes.ts";
import type { StoredItem, VaultCalls } from "./vault-calls.ts";
import type { VaultSecret } from "./vault-service.ts";

/** What the removal of items needs of the repository. */
export interface RemovalParts {
  readonly calls: VaultCalls;
  readonly settings: Pick<VaultRepositorySettings, "strictTake" | "timeout" | "delay">;
  readonly records: Pick<ItemRecords<unknown>, "isOver">;
  readonly ownWrites: OwnWrites;
}

/** Removes the items of records, so that of any number of callers one has removed a record. */
export class ItemRemoval {
  readonly #parts: RemovalParts;
  /** Deletions that no take waits for, by key. */
  readonly #later = new Map<string, Promise<unknown>>();

  constructor(parts: RemovalParts) {
    this.#parts = parts;
  }

  /**
   * Removes a live record and what it replaced. Undefined where another caller has removed the record.
   *
   * @throws {StorageFailure} with an unknown effect when it cannot be told who has removed it.
   */
  async remove({ record, replaced }: Standing): Promise<Claimed | undefined> {
    const { calls, settings } = this.#parts;
    await this.deleteReplaced(replaced);
    if (!settings.strictTake) return (await this.delete(record)) ? {} : undefined;
    const claimed = await claim(calls, record, settings);
    // The claim decides. An item that cannot be deleted is a tombstone that a sweep removes.
    if (claimed !== undefined) this.#deleteLater(record);
    return claimed;
  }

  /** Removes an item as `remove` does, and waits until it is gone: true for the one caller that has removed it. */
  async removeNow(item: StoredItem): Promise<boolean> {
    const { calls, settings } = this.#parts;
    if (!settings.strictTake) return this.delete(item);
    if ((await claim(calls, item, settings)) === undefined) return false;
    await this.delete(item).catch(() => undefined);
    return true;
  }

  /** Deletes what has expired, and what that replaced. What somebody has claimed is deleted by whoever did so. */
  async clearAway({ record, replaced }: Standing): Promise<void> {
    await this.deleteReplaced(replaced);
    if (this.#parts.records.isOver(record) && !isClaimed(record)) await this.delete(record);
  }

  /** Deletes the items whose place a record has taken. */
  async deleteReplaced(replaced: Namesakes): Promise<void> {
    await Promise.all(replaced.filter((secret) => !isClaimed(secret)).map((secret) => this.delete(secret)));
  }

  /** Deletes an item; false where there was none, or where the SDK has deleted it twice. */
  async delete(item: StoredItem): Promise<boolean> {
    const answer = await this.#parts.calls.delete(item.id);
    this.#parts.ownWrites.rememberDeleted(item);
    return answer === "deleted";
  }

  /** Resolves once nothing that was taken under the key keeps its name: this is what a `set` and an `add` wait for. */
  async whenFree(key: string): Promise<void> {
    await this.#later.get(key);
  }

  /** Resolves once everything that was taken is deleted. */
  async settled(): Promise<void> {
    await Promise.all(this.#later.values());
  }

  /** Deletes an item that was claimed. A failure is no news to anybody: the item is a tombstone. */
  #deleteLater({ name, id }: VaultSecret): void {
    this.#parts.ownWrites.rememberDeleted({ name, id });
    const deletion = Promise.allSettled([this.#later.get(name), this.#parts.calls.delete(id)]).then(() => {
      if (this.#later.get(name) === deletion) this.#later.delete(name);
    });
    this.#later.set(name, deletion);
  }
}
