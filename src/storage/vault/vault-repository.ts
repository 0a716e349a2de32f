import { StorageClosedError, StorageRejectedError, StorageUnavailableError } from "../../errors.ts";
import { requireObject } from "../../option-checks.ts";
import type { SchemaOrCodec } from "../codecs/as-codec.ts";
import type { Repository } from "../contract.ts";
import type { ReadExpiry, ReadsExpiry } from "../expiry.ts";
import { KeyTurns } from "../key-turns.ts";
import type { ReadsBack } from "../read-back.ts";
import type { ExpiringRecord, ExpiryArguments } from "../readable-expiry.ts";
import { requireKey } from "../record-checks.ts";
import { UnreadableRecords } from "../unreadable-records.ts";
import { Addition, type AdditionPlace } from "./addition.ts";
import { removeClaimed } from "./claim.ts";
import { toVaultService } from "./connect.ts";
import { ItemRecords } from "./item-records.ts";
import { ItemRemoval } from "./item-removal.ts";
import { writeItem } from "./item-write.ts";
import { groupByName, isClaimed, type Namesakes, oldestFirst, recordAmong, type Standing } from "./namesakes.ts";
import {
  type PangeaVaultRepositoryOptions,
  readVaultOptions,
  type VaultInternals,
  type VaultRepositorySettings,
} from "./options.ts";
import { OwnWrites } from "./own-writes.ts";
import { pauses } from "./pauses.ts";
import { afterWrite, nameIsTaken } from "./vault-failure.ts";
import { VaultFolder } from "./vault-folder.ts";
import type { VaultSecret, VaultServiceLike } from "./vault-service.ts";

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
  implements Repository<K, V>, ReadsBack<K, V>, ReadsExpiry<V>
{
  /** How the expiry of a record is read, where the option `expiresAt` says so. A cache in front goes by it too. */
  readonly readExpiry: ReadExpiry<V> | undefined;
  readonly #settings: VaultRepositorySettings;
  readonly #records: ItemRecords<V>;
  readonly #folder: VaultFolder;
  readonly #turns = new KeyTurns();
  readonly #ownWrites: OwnWrites;
  readonly #removal: ItemRemoval;
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
    const { expiresAt, ...others } = options;
    this.#settings = readVaultOptions(others, internals);
    this.#records = new ItemRecords(schemaOrCodec, expiresAt, this.#settings);
    this.readExpiry = expiresAt;
    this.#folder =
      folder instanceof VaultFolder ? folder : new VaultFolder(toVaultService(folder, options), this.#settings);
    this.#ownWrites = new OwnWrites(this.#settings.maxKnownIds);
    this.#removal = new ItemRemoval({
      calls: this.#folder.calls,
      settings: this.#settings,
      records: this.#records,
      ownWrites: this.#ownWrites,
    });
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
    const text = this.#records.encode(key, value);
    await this.#inTurn(key, () =>
      writeItem(key, text, {
        calls: this.#folder.calls,
        settings: this.#settings,
        ownWrites: this.#ownWrites,
        removal: this.#removal,
        store: () => this.#folder.calls.store(this.#records.toItem(key, text)),
        standing: async (refusal) => {
          const found = await afterWrite(this.#folder.lookup.findOne(key));
          return recordAmong(this.#ownOr(refusal, found), this.#records.isLive);
        },
      }),
    );
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
    const text = this.#records.encode(key, value);
    return this.#inTurn(key, async () => {
      for await (const _ of pauses(this.#settings)) {
        const answer = await new Addition(this.#placeOf(key, text)).run();
        if (answer !== "again") return answer;
      }
      throw new StorageUnavailableError("Other callers add and remove the record in Vault all the time.", {
        effect: "none",
      });
    });
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
    const all = await this.#all();
    const over = all.filter((secret) => {
      this.#records.readOrCount(secret, unreadable);
      return this.#records.isOver(secret);
    });
    // A claim of this moment may have to be told what became of it: what is claimed comes last, and not at once.
    const claimed = over.filter(isClaimed);
    let deleted = 0;
    for (const secret of over) if (!isClaimed(secret) && (await this.#sweepItem(secret))) deleted += 1;
    if (claimed.length > 0) await this.#settings.delay(this.#settings.timeout);
    for (const secret of claimed) if (await this.#sweepItem(secret)) deleted += 1;
    return deleted;
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
   * Ends the repository: later calls reject. Waits until what was taken is deleted. There is no connection to close; the
   * SDK uses the global `fetch`.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#removal.settled();
    this.#ownWrites.clear();
  }

  /** Lets one write to a key run at a time, once the name is free of what this instance has taken. */
  #inTurn<T>(key: string, write: () => Promise<T>): Promise<T> {
    return this.#turns.run(key, async () => {
      await this.#removal.whenFree(key);
      return write();
    });
  }

  /** The list may be old by now: another instance may have renewed the record, under the same id. */
  async #sweepItem(secret: VaultSecret): Promise<boolean> {
    const current = await this.#folder.calls.get(secret.id);
    if (current === undefined || current.version !== secret.version || !this.#records.isOver(current)) return false;
    return this.#removal.delete(secret);
  }

  async #find(key: string): Promise<Standing | undefined> {
    const standing = recordAmong(await this.#look(key), this.#records.isLive);
    // What is claimed is about to be deleted: nobody may write over it.
    if (standing !== undefined && !isClaimed(standing.record)) this.#ownWrites.remember(key, standing.record);
    return standing;
  }

  /** Finds a record by name, and by the id that this instance remembers where a search does not show its write yet. */
  async #look(key: string): Promise<Namesakes> {
    const shown = this.#own(await this.#folder.lookup.find(key));
    const known = this.#ownWrites.get(key);
    if (known === undefined || shown.some(({ id, version }) => id === known.id && version >= known.version)) {
      return shown;
    }
    const others = shown.filter(({ id }) => id !== known.id);
    const secret = await this.#folder.calls.get(known.id);
    if (secret?.name === key) return oldestFirst([...this.#own([secret]), ...others]);
    this.#ownWrites.forget(key, known.id);
    return others;
  }

  /** Those of this repository that were not deleted. What is claimed keeps the name until it is gone, and so it is kept. */
  #own(secrets: Namesakes): Namesakes {
    return secrets.filter(
      (secret) => (isClaimed(secret) || !this.#ownWrites.isDeleted(secret.id)) && this.#records.isOurs(secret),
    );
  }

  /** @throws {StorageRejectedError} when only an item that is not of this repository explains the refusal. */
  #ownOr(refusal: StorageRejectedError, found: Namesakes): Namesakes {
    const own = this.#own(found);
    if (own.length === 0 && found.some((secret) => !this.#records.isOurs(secret))) throw nameIsTaken(refusal);
    return own;
  }

  #placeOf(key: string, text: string): AdditionPlace {
    return {
      settings: this.#settings,
      isLive: this.#records.isLive,
      store: (mark) => this.#folder.stores.store(() => this.#folder.calls.store(this.#records.toItem(key, text, mark))),
      look: async (failure) => {
        const found = await afterWrite(this.#folder.lookup.find(key));
        return failure instanceof StorageRejectedError ? this.#ownOr(failure, found) : this.#own(found);
      },
      get: (id) => afterWrite(this.#folder.calls.get(id)),
      delete: (item) => afterWrite(this.#removal.delete(item)),
      removeClaimed: ({ id }) => afterWrite(removeClaimed(this.#folder.calls, id, this.#settings)),
      remove: (item) => afterWrite(this.#removal.removeNow(item)),
      keep: (item) => this.#ownWrites.remember(key, item),
    };
  }

  async #all(): Promise<Namesakes> {
    this.#assertOpen();
    // Read to the end first: deleting while paging would move the pages.
    const secrets: VaultSecret[] = [];
    for await (const secret of this.#folder.lookup.all()) secrets.push(secret);
    return this.#own(secrets).filter((secret) => this.#records.isCertainlyOurs(secret));
  }

  #assertUsable(key: unknown): void {
    requireKey(key);
    this.#assertOpen();
  }

  #assertOpen(): void {
    if (this.#closed) throw new StorageClosedError("The repository was closed.", { effect: "none" });
  }
}
