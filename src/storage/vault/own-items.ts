import type { StorageRejectedError } from "../../errors.ts";
import type { ItemRecords } from "./item-records.ts";
import { isClaimed, type Namesakes, oldestFirst } from "./namesakes.ts";
import type { OwnWrites } from "./own-writes.ts";
import { nameIsTaken } from "./vault-failure.ts";
import type { VaultFolder } from "./vault-folder.ts";
import type { VaultSecret } from "./vault-service.ts";

/** What the items of a repository are told by. */
export interface OwnItemsParts {
  readonly folder: Pick<VaultFolder, "calls" | "lookup">;
  readonly records: Pick<ItemRecords<unknown>, "isOurs" | "isCertainlyOurs">;
  readonly ownWrites: OwnWrites;
}

/** The items of a folder that are one repository's, as this instance sees them. */
export class OwnItems {
  readonly #parts: OwnItemsParts;

  constructor(parts: OwnItemsParts) {
    this.#parts = parts;
  }

  /** Finds items by name, and by the id that this instance remembers where a search does not show its write yet. */
  async named(key: string): Promise<Namesakes> {
    const { folder, ownWrites } = this.#parts;
    const shown = this.among(await folder.lookup.find(key));
    const known = ownWrites.get(key);
    if (known === undefined || shown.some(({ id, version }) => id === known.id && version >= known.version)) {
      return shown;
    }
    const others = shown.filter(({ id }) => id !== known.id);
    const secret = await folder.calls.get(known.id);
    if (secret?.name === key) return oldestFirst([...this.among([secret]), ...others]);
    ownWrites.forget(key, known.id);
    return others;
  }

  /** Those of this repository that were not deleted. What is claimed keeps the name until it is gone, and so it is kept. */
  among(secrets: Namesakes): Namesakes {
    const { ownWrites, records } = this.#parts;
    return secrets.filter((secret) => (isClaimed(secret) || !ownWrites.isDeleted(secret.id)) && records.isOurs(secret));
  }

  /** @throws {StorageRejectedError} when only an item that is not of this repository explains the refusal. */
  amongOr(refusal: StorageRejectedError, found: Namesakes): Namesakes {
    const own = this.among(found);
    if (own.length === 0 && found.some((secret) => !this.#parts.records.isOurs(secret))) throw nameIsTaken(refusal);
    return own;
  }

  /** Every item that says of itself that this repository has stored it. */
  async all(): Promise<Namesakes> {
    // Read to the end first: deleting while paging would move the pages.
    const secrets: VaultSecret[] = [];
    for await (const secret of this.#parts.folder.lookup.all()) secrets.push(secret);
    return this.among(secrets).filter((secret) => this.#parts.records.isCertainlyOurs(secret));
  }
}
