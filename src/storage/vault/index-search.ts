import { StorageFailure, StorageRejectedError } from "../../errors.ts";
import type { IndexQuery } from "../record-indexes.ts";
import { UnreadableRecords } from "../unreadable-records.ts";
import { labelMember, ownWriter, schemeMember, writerMember } from "./item-metadata.ts";
import type { ItemRecords } from "./item-records.ts";
import { groupByName, type Namesakes, recordAmong, type Standing } from "./namesakes.ts";
import type { KnownItem } from "./own-writes.ts";
import { VaultItemNotFoundError } from "./vault-failure.ts";
import type { VaultFolder } from "./vault-folder.ts";
import type { VaultSecret } from "./vault-service.ts";

/** How many items a search puts into the index at most: each is a call to Vault. */
const healedBySearch = 100;

/** How many of these calls go out together. */
const healedTogether = 10;

/** What a search needs of the repository. */
export interface IndexSearchParts<V> {
  readonly records: ItemRecords<V>;
  readonly folder: Pick<VaultFolder, "calls" | "lookup" | "schemes">;
  /** The kind of the records. A repository that has none has no indexes. */
  readonly kind: string;
  /** Finds what has a key. */
  find(key: string): Promise<Standing | undefined>;
  /** Reads every item of this repository. */
  all(): Promise<Namesakes>;
  /** True where items without any mark are records too: those no filter finds. */
  readonly takeOver: boolean;
}

/**
 * Finds records by the labels in the metadata of their items. A label is made with the key that seals, for whoever may list
 * the folder reads the metadata and not the secrets.
 *
 * Every item is in exactly one of these places, and a search looks into all of them: under a label, under the scheme of keys
 * that this instance does not have, or among those that have no place in the index. There is what an earlier version has
 * stored, what was stored before the scheme was announced, and what is being written so that its labels change. A search puts
 * these into the index, a hundred at a time; an item that was written to meanwhile leaves it again.
 */
export class IndexSearch<V> {
  readonly #parts: IndexSearchParts<V>;

  constructor(parts: IndexSearchParts<V>) {
    this.#parts = parts;
  }

  /** Whether a search looks at less than everything. */
  get isIndexed(): boolean {
    const { records, folder, takeOver } = this.#parts;
    return folder.calls.canUpdate && !takeOver && records.indexes.schemes().length > 0;
  }

  /**
   * The records whose value in the index is this one.
   *
   * @throws {UnreadableRecordsError} after the last record, where there were some that cannot be read and that may be meant.
   */
  async *find(index: string, value: string): AsyncGenerator<[string, V], void, undefined> {
    const { records } = this.#parts;
    const query = records.indexes.queryFor(index, value, records.repositoryName);
    const unreadable = new UnreadableRecords();
    const seen = new Set<string>();
    const outside = this.isIndexed ? await this.#outsideOfIndex() : undefined;
    // What has no place in the index is read before the announcements are: whoever gives it one has announced the scheme before.
    const schemes = outside && (await this.#trustedSchemes());
    if (outside === undefined || schemes === undefined) {
      yield* this.#amongAll(query, value, unreadable);
    } else {
      yield* this.#amongCandidates(outside, query, value, seen, unreadable);
      const { labelled, foreign } = await this.#inIndex(query, schemes);
      yield* this.#amongCandidates([...labelled, ...foreign], query, value, seen, unreadable);
      // What has a foreign scheme stays there: an instance with those keys finds it there.
      await this.#heal([...outside, ...labelled.filter((secret) => !this.#isMeant(secret, query, value))]);
    }
    unreadable.throwIfAny();
  }

  /** The items that have no place in the index; undefined where Vault refuses the filter. */
  async #outsideOfIndex(): Promise<VaultSecret[] | undefined> {
    const { folder, kind } = this.#parts;
    try {
      return await folder.lookup.withMetadata({ kind, [writerMember]: ownWriter });
    } catch (failure) {
      if (!(failure instanceof StorageRejectedError) || failure instanceof VaultItemNotFoundError) throw failure;
      return undefined;
    }
  }

  /** The announced schemes; undefined where this instance's own is not seen among them. */
  async #trustedSchemes(): Promise<ReadonlySet<string> | undefined> {
    const { records, folder } = this.#parts;
    await folder.schemes.announce();
    const schemes = await folder.schemes.all();
    return schemes.has(records.indexes.schemes()[0] ?? "") ? schemes : undefined;
  }

  /** The items under the labels of the query, and those whose labels this instance cannot make. */
  async #inIndex(
    { position, labels }: IndexQuery,
    schemes: ReadonlySet<string>,
  ): Promise<{ labelled: VaultSecret[]; foreign: VaultSecret[] }> {
    const { records, folder, kind } = this.#parts;
    const known = records.indexes.schemes();
    const foreign = [...schemes].filter((scheme) => !known.includes(scheme));
    const [underLabels, underSchemes] = await Promise.all([
      Promise.all(labels.map((label) => folder.lookup.withMetadata({ [labelMember(position)]: label }))),
      Promise.all(foreign.map((scheme) => folder.lookup.withMetadata({ kind, [schemeMember]: scheme }))),
    ]);
    return { labelled: underLabels.flat(), foreign: underSchemes.flat() };
  }

  /** Of the records that candidates lead to, those that are meant. A search may lag behind: each is looked up once more. */
  async *#amongCandidates(
    candidates: readonly VaultSecret[],
    query: IndexQuery,
    value: string,
    seen: Set<string>,
    unreadable: UnreadableRecords,
  ): AsyncGenerator<[string, V], void, undefined> {
    const { records, find } = this.#parts;
    const names = new Set<string>();
    for (const secret of candidates) {
      const mayBeMeant = records.readIfReadable(secret) === undefined || this.#isMeant(secret, query, value);
      if (records.isCertainlyOurs(secret) && !seen.has(secret.name) && mayBeMeant) names.add(secret.name);
    }
    for (const name of names) seen.add(name);
    const found = await Promise.all([...names].map(async (name) => [name, await find(name)] as const));
    for (const [name, standing] of found) {
      const record = standing && records.readOrCount(standing.record, unreadable);
      if (record !== undefined && records.indexes.isMeant(record, query, value)) yield [name, record];
    }
  }

  async *#amongAll(
    query: IndexQuery,
    value: string,
    unreadable: UnreadableRecords,
  ): AsyncGenerator<[string, V], void, undefined> {
    const { records } = this.#parts;
    const all = await this.#parts.all();
    for (const [name, namesakes] of groupByName(all)) {
      const standing = recordAmong(namesakes, records.isLive);
      const record = standing && records.readOrCount(standing.record, unreadable);
      if (record !== undefined && records.indexes.isMeant(record, query, value)) yield [name, record];
    }
  }

  #isMeant(secret: VaultSecret, query: IndexQuery, value: string): boolean {
    const { records } = this.#parts;
    const record = records.readIfReadable(secret)?.value;
    return record !== undefined && records.indexes.isMeant(record, query, value);
  }

  /** Puts items where the index should have them. Where that fails, the next search finds them as this one did. */
  async #heal(candidates: readonly VaultSecret[]): Promise<void> {
    const { records } = this.#parts;
    const rest = candidates
      .filter((secret) => records.isCertainlyOurs(secret))
      .flatMap((secret) => {
        const record = records.readIfReadable(secret)?.value;
        if (record === undefined) return [];
        const indexEntry = records.indexEntryOf(secret, record);
        return [{ secret, metadata: records.metadataOf({ indexEntry, addedWith: secret.addedWith }) }];
      })
      .slice(0, healedBySearch)
      .values();
    const work = async (): Promise<void> => {
      for (const { secret, metadata } of rest) await this.#place(secret, metadata);
    };
    await Promise.all(Array.from({ length: healedTogether }, work));
  }

  /** Gives an item a place in the index, and takes it away where the item was written to meanwhile. */
  async #place(secret: VaultSecret, metadata: Readonly<Record<string, string>>): Promise<void> {
    const { calls } = this.#parts.folder;
    try {
      const placed = await calls.update(secret.id, metadata);
      if ("version" in placed && placed.version !== secret.version) await this.leave(secret);
    } catch (failure) {
      if (!(failure instanceof StorageFailure)) throw failure;
      if (failure.effect !== "none") await this.leave(secret).catch(() => undefined);
    }
  }

  /** Takes an item out of the index, to where every search looks at it. */
  async leave({ id, addedWith }: Pick<KnownItem, "id" | "addedWith">): Promise<void> {
    const { records, folder } = this.#parts;
    if (folder.calls.canUpdate) await folder.calls.update(id, records.metadataOf({ addedWith }));
  }
}
