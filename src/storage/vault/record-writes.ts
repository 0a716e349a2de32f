import { StorageRejectedError, StorageUnavailableError } from "../../errors.ts";
import { KeyTurns } from "../key-turns.ts";
import type { IndexEntry } from "../record-indexes.ts";
import type { EncodedRecord } from "../record-text.ts";
import { Addition, type AdditionPlace } from "./addition.ts";
import { removeClaimed } from "./claim.ts";
import type { IndexSearch } from "./index-search.ts";
import { indexMembers, indexPlaceOf } from "./item-metadata.ts";
import type { ItemRecords } from "./item-records.ts";
import type { ItemRemoval } from "./item-removal.ts";
import { writeItem } from "./item-write.ts";
import { recordAmong } from "./namesakes.ts";
import type { VaultRepositorySettings } from "./options.ts";
import type { OwnItems } from "./own-items.ts";
import type { OwnWrites } from "./own-writes.ts";
import { pauses } from "./pauses.ts";
import { afterWrite } from "./vault-failure.ts";
import type { VaultFolder } from "./vault-folder.ts";

/** What the writes of a repository work with. */
export interface RecordWritesParts<V> {
  readonly settings: VaultRepositorySettings;
  readonly records: ItemRecords<V>;
  readonly folder: VaultFolder;
  readonly items: OwnItems;
  readonly ownWrites: OwnWrites;
  readonly removal: ItemRemoval;
  readonly search: IndexSearch<V>;
}

/** Writes the records of one repository, one write to a key at a time. */
export class RecordWrites<V> {
  readonly #parts: RecordWritesParts<V>;
  readonly #turns = new KeyTurns();

  constructor(parts: RecordWritesParts<V>) {
    this.#parts = parts;
  }

  /** Writes a record in place of whatever the key has. */
  async set(key: string, { text, indexEntry }: EncodedRecord): Promise<void> {
    const { folder, items, ownWrites, records, removal, search, settings } = this.#parts;
    const write = this.#inTurn(key, () =>
      writeItem(key, text, {
        calls: folder.calls,
        settings,
        ownWrites,
        removal,
        indexPlace: indexPlaceOf(indexMembers(indexEntry) ?? {}),
        placeOf: (item) => records.placeOf(item),
        leaveIndex: (item) => search.leave(item),
        store: () => folder.calls.store(records.toItem(key, text, this.#placed(indexEntry))),
        standing: async (refusal) => {
          const found = await afterWrite(folder.lookup.findOne(key));
          return recordAmong(items.amongOr(refusal, found), records.isLive);
        },
      }),
    );
    await Promise.all([write, folder.schemes.announce()]);
  }

  /** Writes a record where the key has no live one: true for the one caller that has written it. */
  async add(key: string, encoded: EncodedRecord): Promise<boolean> {
    const added = this.#inTurn(key, async () => {
      for await (const _ of pauses(this.#parts.settings)) {
        const answer = await new Addition(this.#placeOf(key, encoded)).run();
        if (answer !== "again") return answer;
      }
      throw new StorageUnavailableError("Other callers add and remove the record in Vault all the time.", {
        effect: "none",
      });
    });
    const [answer] = await Promise.all([added, this.#parts.folder.schemes.announce()]);
    return answer;
  }

  /** Lets one write to a key run at a time, once the name is free of what this instance has taken. */
  #inTurn<T>(key: string, write: () => Promise<T>): Promise<T> {
    return this.#turns.run(key, async () => {
      await this.#parts.removal.whenFree(key);
      return write();
    });
  }

  /** What a new item has in the index: nothing before other instances can know how its labels are made. */
  #placed(entry: IndexEntry | undefined): IndexEntry | undefined {
    const { folder, search } = this.#parts;
    const mayBePlaced = entry !== undefined && search.isIndexed && folder.schemes.isAnnounced(entry.scheme);
    return mayBePlaced ? entry : undefined;
  }

  #placeOf(key: string, { text, indexEntry }: EncodedRecord): AdditionPlace {
    const { folder, items, ownWrites, records, removal, settings } = this.#parts;
    return {
      settings,
      isLive: records.isLive,
      store: (mark) =>
        folder.stores.store(() => folder.calls.store(records.toItem(key, text, this.#placed(indexEntry), mark))),
      look: async (failure) => {
        const found = await afterWrite(folder.lookup.find(key));
        return failure instanceof StorageRejectedError ? items.amongOr(failure, found) : items.among(found);
      },
      get: (id) => afterWrite(folder.calls.get(id)),
      delete: (item) => afterWrite(removal.delete(item)),
      removeClaimed: ({ id }) => afterWrite(removeClaimed(folder.calls, id, settings)),
      remove: (item) => afterWrite(removal.removeNow(item)),
      keep: (item) => {
        const recordPlace = indexPlaceOf(indexMembers(indexEntry) ?? {});
        ownWrites.remember(key, { ...item, recordPlace });
      },
    };
  }
}
