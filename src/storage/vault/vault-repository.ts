import { StorageClosedError } from "../../errors.ts";
import { requireObject, requireThat } from "../../option-checks.ts";
import { asCodec, type SchemaOrCodec } from "../codecs/as-codec.ts";
import type { Repository } from "../contract.ts";
import type { ReadExpiry, ReadsExpiry } from "../expiry.ts";
import type { IndexedRepository } from "../indexed.ts";
import type { ReadsBack } from "../read-back.ts";
import type { ExpiringRecord, ExpiryArguments } from "../readable-expiry.ts";
import { requireKey } from "../record-checks.ts";
import { UnreadableRecords } from "../unreadable-records.ts";
import { toVaultService } from "./connect.ts";
import { IndexSearch } from "./index-search.ts";
import { ItemRecords } from "./item-records.ts";
import { ItemRemoval } from "./item-removal.ts";
import { sweepItems } from "./item-sweep.ts";
import { groupByName, isClaimed, type Namesakes, recordAmong, type Standing } from "./namesakes.ts";
import {
  type PangeaVaultRepositoryOptions,
  readVaultOptions,
  type VaultInternals,
  type VaultRepositorySettings,
} from "./options.ts";
import { OwnItems } from "./own-items.ts";
import { OwnWrites } from "./own-writes.ts";
import { RecordWrites } from "./record-writes.ts";
import { VaultFolder } from "./vault-folder.ts";
import type { VaultServiceLike } from "./vault-service.ts";

/**
 * Keeps records as secrets in Pangea Vault, one secret a record, named after its key.
 *
 * Vault has no compare-and-swap and no get-and-delete, and its SDK sends a write again whose answer was an error, though
 * the write may have been done. `take` and `delete` read the record and claim it by a rotation, and the versions of the
 * item tell whose claim was first; the item is deleted afterwards, while the caller goes on. So a lost answer never reads
 * as an absent record: the outcome is exact, or an error with the effect "unknown". `add` stores an item and then looks
 * for others of the name.
 *
 * Calls to Vault, in sequence: 1 for a `get`, 1 for a `set` (3 where another instance has stored the record), 2 for a
 * `take` or a `delete` and 1 that nobody waits for, 2 for an `add`. A claim whose answer was lost costs a read more.
 *
 * What stays open: a `set` that the SDK repeats may bring a record back that was taken in between. That is no harm where
 * a key is told to others only after the `set`.
 *
 * A search of Vault may lag behind: what this instance wrote or deleted itself it sees at once nevertheless.
 *
 * Values may have 10,240 characters when encoded. All of this was verified against this package's emulator of Vault; no
 * Pangea account was at hand.
 *
 * @example
 * ```ts
 * const accessTokens = new PangeaVaultRepository(AccessTokenSchema, process.env.PANGEA_VAULT_TOKEN, {
 *   folder: "/mcp",
 *   kind: "access_token",
 * });
 * ```
 */
export class PangeaVaultRepository<V, K extends string = string>
  implements
    Repository<K, V>,
    ReadsBack<K, V>,
    ReadsExpiry<V>,
    Pick<IndexedRepository<string, V>, "indexNames" | "entriesBy">
{
  /** How the expiry of a record is read, where the option `expiresAt` says so. A cache in front goes by it too. */
  readonly readExpiry: ReadExpiry<V> | undefined;
  readonly #settings: VaultRepositorySettings;
  readonly #records: ItemRecords<V>;
  readonly #folder: VaultFolder;
  readonly #ownWrites: OwnWrites;
  readonly #items: OwnItems;
  readonly #removal: ItemRemoval;
  readonly #search: IndexSearch<V>;
  readonly #writes: RecordWrites<V>;
  #closed = false;

  /**
   * @param schemaOrCodec - A Zod schema of the records, or a codec.
   * @param tokenOrService - A Vault token (`pts_…`), or a `VaultService` of `pangea-node-sdk`.
   * @throws {ConfigurationError} when an option is wrong. The message names the option.
   */
  constructor(
    schemaOrCodec: SchemaOrCodec<V>,
    tokenOrService: string | VaultServiceLike,
    ...options: ExpiryArguments<V, PangeaVaultRepositoryOptions<V>>
  );
  constructor(
    schemaOrCodec: SchemaOrCodec<V> & SchemaOrCodec<ExpiringRecord>,
    tokenOrService: string | VaultServiceLike,
    options?: PangeaVaultRepositoryOptions<V>,
  );
  /** @internal A folder that several repositories share. */
  constructor(schemaOrCodec: SchemaOrCodec<V>, folder: VaultFolder, options?: PangeaVaultRepositoryOptions<V>);
  /** @internal What tests put in the place of chance and of timers. */
  constructor(
    schemaOrCodec: SchemaOrCodec<V>,
    folder: string | VaultServiceLike | VaultFolder,
    options: PangeaVaultRepositoryOptions<V> | undefined,
    internals: VaultInternals | undefined,
  );
  constructor(
    schemaOrCodec: SchemaOrCodec<V>,
    folder: string | VaultServiceLike | VaultFolder,
    options: PangeaVaultRepositoryOptions<V> = {},
    internals: VaultInternals = {},
  ) {
    requireObject("options", options);
    const { expiresAt, indexes, ...others } = options;
    this.#settings = readVaultOptions(others, internals);
    requireIndexable(schemaOrCodec, indexes, this.#settings.kind);
    this.#records = new ItemRecords(schemaOrCodec, expiresAt, this.#settings, indexes);
    this.readExpiry = expiresAt;
    this.#folder =
      folder instanceof VaultFolder ? folder : new VaultFolder(toVaultService(folder, options), this.#settings);
    this.#ownWrites = new OwnWrites(this.#settings.maxKnownIds);
    this.#items = new OwnItems({ folder: this.#folder, records: this.#records, ownWrites: this.#ownWrites });
    this.#removal = new ItemRemoval({
      calls: this.#folder.calls,
      settings: this.#settings,
      records: this.#records,
      ownWrites: this.#ownWrites,
    });
    this.#search = new IndexSearch({
      records: this.#records,
      folder: this.#folder,
      kind: this.#settings.kind ?? "",
      takeOver: this.#settings.takeOver,
      find: (key) => this.#find(key),
      all: () => this.#all(),
    });
    this.#writes = new RecordWrites({
      settings: this.#settings,
      records: this.#records,
      folder: this.#folder,
      items: this.#items,
      ownWrites: this.#ownWrites,
      removal: this.#removal,
      search: this.#search,
    });
    this.#folder.schemes.want(() => this.#records.indexes.schemes()[0]);
  }

  /**
   * Reads the record.
   *
   * @throws {UnsealableError} when the record was sealed under a key that is not in the key ring: `keyId` says which.
   * @throws {CorruptRecordError} when the item holds no record.
   * @throws {StorageFailure} when the store fails.
   * @throws {InvalidKeyError} when the key is empty or no string.
   * @throws {StorageClosedError} when the repository was closed.
   */
  async get(key: K): Promise<V | undefined> {
    this.#assertUsable(key);
    const found = await this.#find(key);
    return found && this.#records.read(found.record);
  }

  /**
   * Writes the record. One call to Vault where this instance knows the item or where there is none; three where another
   * instance has stored it. What somebody has claimed by a `take` gives way: where its deletion has failed, after the `timeout`.
   *
   * @throws {StorageFailure} when the store fails; with the effect "unknown" the record may have been written.
   * @throws {StorageRejectedError} when an item has the key that is no record of this repository.
   * @throws {InvalidRecordError} when the value does not satisfy the schema.
   * @throws {RecordTooLargeError} when the record has more than 10,240 characters.
   * @throws {InvalidKeyError} when the key is empty or no string.
   * @throws {StorageClosedError} when the repository was closed.
   */
  async set(key: K, value: V): Promise<void> {
    this.#assertUsable(key);
    await this.#writes.set(key, this.#records.encode(key, value));
  }

  /**
   * Deletes the record, one that cannot be read included. Two calls to Vault, and one that nobody waits for.
   *
   * @returns True for the one caller that has deleted a record.
   * @throws {StorageFailure} when the store fails; with the effect "unknown" the record may be gone.
   * @throws {InvalidKeyError} when the key is empty or no string.
   * @throws {StorageClosedError} when the repository was closed.
   */
  async delete(key: K): Promise<boolean> {
    this.#assertUsable(key);
    const found = await this.#find(key);
    if (found === undefined) return false;
    if (this.#records.isLive(found.record)) return (await this.#removal.remove(found)) !== undefined;
    await this.#removal.clearAway(found);
    return false;
  }

  /**
   * Gets the record and deletes it. Two calls to Vault, and one that nobody waits for. A record that cannot be read stays.
   *
   * @returns The record for the one caller that has taken it.
   * @throws {UnsealableError} when the record was sealed under a key that is not in the key ring: `keyId` says which.
   * @throws {CorruptRecordError} when the item holds no record.
   * @throws {StorageFailure} when the store fails; with the effect "unknown" the record may be gone.
   * @throws {InvalidKeyError} when the key is empty or no string.
   * @throws {StorageClosedError} when the repository was closed.
   */
  async take(key: K): Promise<V | undefined> {
    this.#assertUsable(key);
    const found = await this.#find(key);
    if (found === undefined) return undefined;
    const value = this.#records.read(found.record);
    if (value === undefined) {
      await this.#removal.clearAway(found);
      return undefined;
    }
    const claimed = await this.#removal.remove(found);
    if (claimed?.instead === undefined) return claimed && value;
    // Another instance has written the record anew after this one has read it.
    return this.#records.read({ ...found.record, text: claimed.instead });
  }

  /**
   * Writes the record where there is no live one. Two calls to Vault where nothing is in the way, three where a
   * live record is (five where names may repeat), six where an expired one keeps the name.
   *
   * Exactly one of any number of concurrent callers, on any number of instances, gets true, whether or not Vault keeps
   * names unique. This needs of Vault that a read by id shows every write before it, and that a search which shows an
   * item shows every item stored before it. A search may lag behind: an add waits until a search shows its item, for as
   * long as one call may take. What this leaves open:
   *
   * - A `set` that renews an expired record while an add deletes it is lost. Where names may repeat, so is a `set` that
   *   reaches an item which its add withdraws.
   * - The SDK repeats a store whose answer was lost. Where the record was taken in between, it is there again.
   * - What somebody has claimed keeps the name until it is deleted: where that has failed, an add waits for the `timeout`.
   * - Where names may repeat and adds of one key race, a reader may see the record of an add that then withdraws, until
   *   it has withdrawn. A take that gets such a record makes its add reject, unless Vault's clock is wrong by more than
   *   the adds are apart.
   *
   * @returns True where this call wrote the record. False where a live record was there, or one that cannot be read.
   * @throws {StorageFailure} with the effect "unknown" when the record may have been written or whether it counts cannot
   * be told: an answer was lost and no item is found, a search lags for too long, or the item was removed or written to
   * before it was certain that it counts.
   * @throws {StorageRejectedError} when a record of another kind has the key, or when Vault refuses the item and no
   * search shows what has its name.
   * @throws {InvalidRecordError} when the value does not satisfy the schema.
   * @throws {RecordTooLargeError} when the record has more than 10,240 characters.
   * @throws {InvalidKeyError} when the key is empty or no string.
   * @throws {StorageClosedError} when the repository was closed.
   *
   * @example
   * ```ts
   * if (!(await assertions.add(jti, { expiresAt }))) throw new OAuthError("invalid_client", "It was used before.");
   * ```
   */
  async add(key: K, value: V): Promise<boolean> {
    this.#assertUsable(key);
    return this.#writes.add(key, this.#records.encode(key, value));
  }

  /** What `get` would give after `set`. */
  readBack(key: K, value: V): V {
    return this.#records.readBack(key, value);
  }

  /**
   * Deletes the records of this folder and kind that have expired, and what takes have left behind whose last call failed.
   * Vault does not expire items by itself: run it now and then, on one instance. The folder is read into memory, a hundred
   * items a call. An item that does not say of itself that this package has stored it is never touched, nor is what cannot
   * be read.
   *
   * @returns The number of items deleted.
   * @throws {UnreadableRecordsError} once everything else is done, when there are records that cannot be read: nobody can
   * tell whether those have expired.
   * @throws {StorageFailure} when the store fails.
   */
  async sweep(): Promise<number> {
    const unreadable = new UnreadableRecords();
    const deleted = await this.sweepReadable(unreadable);
    unreadable.throwIfAny();
    return deleted;
  }

  /** @internal What `sweep` does, for several repositories of which none is to end the work of the others. */
  async sweepReadable(unreadable: UnreadableRecords): Promise<number> {
    const { calls } = this.#folder;
    const parts = { calls, records: this.#records, removal: this.#removal, settings: this.#settings };
    return sweepItems(await this.#all(), parts, unreadable);
  }

  /**
   * Every record of this folder and kind that has not expired. The folder is read into memory first, a hundred items a
   * call. An item that does not say of itself that this package has stored it is no entry.
   *
   * @throws {UnreadableRecordsError} after the last entry, when there are records that cannot be read: `keyIds` names the
   * keys that are missing from the key ring.
   * @throws {StorageFailure} when the store fails.
   */
  async *entries(): AsyncGenerator<[string, V], void, undefined> {
    const unreadable = new UnreadableRecords();
    for (const [name, namesakes] of groupByName(await this.#all())) {
      const standing = recordAmong(namesakes, this.#records.isLive);
      const value = standing && this.#records.readOrCount(standing.record, unreadable);
      if (value !== undefined) yield [name, value];
    }
    unreadable.throwIfAny();
  }

  /**
   * The names of the indexes by which a search reads less than everything: none before there are keys for the labels, with
   * `takeOver`, and where the Vault service has no `update`.
   */
  get indexNames(): readonly string[] {
    return this.#search.isIndexed ? this.#records.indexes.names : [];
  }

  /**
   * Every record of this folder and kind that has not expired and that the index has under this value. Four calls to Vault in
   * sequence where there are up to a hundred: they find records by labels in the metadata of their items, each an HMAC under
   * the key that seals. Items that have no labels are read too, and get them on the way, a hundred a search.
   *
   * Items whose labels were made with a key that is not in the key ring are all read, as long as they are there. An instance of
   * an earlier version that writes another value of the index over a record with labels is not noticed until the record is
   * deleted.
   *
   * @throws {ConfigurationError} when there is no such index.
   * @throws {UnreadableRecordsError} after the last entry, when there are records that cannot be read and that may be meant.
   * @throws {StorageFailure} when the store fails.
   */
  async *entriesBy(index: string, value: string): AsyncGenerator<[string, V], void, undefined> {
    this.#assertOpen();
    yield* this.#search.find(index, value);
  }

  /**
   * Ends the repository: later calls reject. Waits until what was taken is deleted. There is no connection to close; the
   * SDK uses the global `fetch`.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#removal.settled(), this.#folder.schemes.settled()]);
    this.#ownWrites.clear();
  }

  async #find(key: string): Promise<Standing | undefined> {
    const standing = recordAmong(await this.#items.named(key), this.#records.isLive);
    // What is claimed is about to be deleted: nobody may write over it.
    if (standing !== undefined && !isClaimed(standing.record)) {
      const recordPlace = this.#records.placeOf(standing.record);
      this.#ownWrites.remember(key, { ...standing.record, recordPlace });
    }
    return standing;
  }

  async #all(): Promise<Namesakes> {
    this.#assertOpen();
    return this.#items.all();
  }

  #assertUsable(key: unknown): void {
    requireKey(key);
    this.#assertOpen();
  }

  #assertOpen(): void {
    if (this.#closed) throw new StorageClosedError("The repository was closed.", { effect: "none" });
  }
}

/** @throws {ConfigurationError} for indexes whose labels would tell whoever may list the folder what the records hold. */
function requireIndexable<V>(schemaOrCodec: SchemaOrCodec<V>, indexes: unknown, kind: string | undefined): void {
  if (Object.keys(indexes ?? {}).length === 0) return;
  requireThat(kind !== undefined, "indexes in Vault need a kind: records are found by it in their folder.");
  requireThat(
    asCodec(schemaOrCodec).labels !== undefined,
    "indexes in Vault need sealed records, sealed(schema, keys): their labels are in the metadata, which can be read without the secrets.",
  );
}
