import { InvalidKeyError, StorageClosedError, StorageRejectedError, StorageUnavailableError } from "../../errors.ts";
import { requireObject } from "../../option-checks.ts";
import type { SchemaOrCodec } from "../codecs/as-codec.ts";
import type { Repository } from "../contract.ts";
import { KeyTurns } from "../key-turns.ts";
import type { ReadsBack } from "../read-back.ts";
import type { ExpiringRecord, ExpiryArguments } from "../readable-expiry.ts";
import { Addition, type AdditionPlace } from "./addition.ts";
import { claim } from "./claim.ts";
import { toVaultService } from "./connect.ts";
import { ItemRecords } from "./item-records.ts";
import { groupByName, type Namesakes, oldestFirst, recordAmong, type Standing } from "./namesakes.ts";
import {
  type PangeaVaultRepositoryOptions,
  readVaultOptions,
  type VaultInternals,
  type VaultRepositorySettings,
} from "./options.ts";
import { OwnWrites } from "./own-writes.ts";
import { pauses } from "./pauses.ts";
import type { StoredItem } from "./vault-calls.ts";
import { afterWrite, nameIsTaken } from "./vault-failure.ts";
import { VaultFolder } from "./vault-folder.ts";
import type { VaultSecret, VaultServiceLike } from "./vault-service.ts";

/**
 * Keeps records as secrets in Pangea Vault, one secret a record, named after its key.
 *
 * Vault has no compare-and-swap and no get-and-delete. `take` reads the record and then deletes its item, and the
 * caller whose delete succeeds is the one that gets the value; with `strictTake` a rotation claims it first. A `take` or
 * `delete` that races a `set` of the same key may remove what the `set` wrote: fit for single-use records, whose keys
 * are written once. A strict `take` that has overwritten a newer value rejects, and its effect is unknown. When a delete
 * was carried out but its answer was lost, nobody gets the value: it is burned. `add` stores an item and then looks for
 * others of the name.
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
export class PangeaVaultRepository<V, K extends string = string> implements Repository<K, V>, ReadsBack<K, V> {
  readonly #settings: VaultRepositorySettings;
  readonly #records: ItemRecords<V>;
  readonly #folder: VaultFolder;
  readonly #turns = new KeyTurns();
  readonly #ownWrites: OwnWrites;
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
    this.#folder =
      folder instanceof VaultFolder ? folder : new VaultFolder(toVaultService(folder, options), this.#settings);
    this.#ownWrites = new OwnWrites(this.#settings.maxKnownIds);
  }

  async get(key: K): Promise<V | undefined> {
    this.#assertUsable(key);
    const found = await this.#find(key);
    return found && this.#records.read(found.record);
  }

  async set(key: K, value: V): Promise<void> {
    this.#assertUsable(key);
    const text = this.#records.encode(key, value);
    await this.#turns.run(key, async () => {
      const known = this.#ownWrites.get(key);
      if (known === undefined || !(await this.#rotate(key, known.id, text))) await this.#store(key, text);
    });
  }

  async delete(key: K): Promise<boolean> {
    this.#assertUsable(key);
    const found = await this.#find(key);
    return found !== undefined && this.#remove(found, this.#records.isLive(found.record));
  }

  async take(key: K): Promise<V | undefined> {
    this.#assertUsable(key);
    const found = await this.#find(key);
    if (found === undefined) return undefined;
    const value = this.#records.read(found.record);
    return (await this.#remove(found, value !== undefined)) ? value : undefined;
  }

  /**
   * Writes the record where there is no live one. Two calls to Vault where nothing is in the way, three or four where a
   * live record is, six where an expired one keeps the name.
   *
   * Exactly one of any number of concurrent callers, on any number of instances, gets true, whether or not Vault keeps
   * names unique. This needs of Vault that a read by id shows every write before it, and that a search which shows an
   * item shows every item stored before it. A search may lag behind: an add waits until a search shows its item, for as
   * long as one call may take. What this leaves open:
   *
   * - A `set` that renews an expired record while an add deletes it is lost. Where names may repeat, so is a `set` that
   *   reaches an item which its add withdraws.
   * - The SDK repeats a store whose answer was lost. Where the record was taken in between, it is there again.
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
    return this.#turns.run(key, async () => {
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
   * Deletes the records of this folder and kind that have expired, and what strict takes left behind. Vault does not
   * expire items by itself: run it now and then, on one instance. The folder is read into memory, a hundred items a call.
   *
   * @returns The number of items deleted.
   */
  async sweep(): Promise<number> {
    let deleted = 0;
    for (const secret of await this.#all()) {
      if (!this.#records.isOver(secret)) continue;
      // The list may be old by now: another instance may have renewed the record, under the same id.
      const current = await this.#folder.calls.get(secret.id);
      if (current === undefined || current.version !== secret.version || !this.#records.isOver(current)) continue;
      if (await this.#deleteItem(secret)) deleted += 1;
    }
    return deleted;
  }

  /**
   * Every record of this folder and kind that has not expired. Records that cannot be read are left out. The folder is
   * read into memory first, a hundred items a call.
   */
  async *entries(): AsyncGenerator<[string, V], void, undefined> {
    for (const [name, namesakes] of groupByName(await this.#all())) {
      const standing = recordAmong(namesakes, this.#records.isLive);
      const value = standing && this.#records.readIfReadable(standing.record)?.value;
      if (value !== undefined) yield [name, value];
    }
  }

  /** Ends the repository: later calls reject. There is no connection to close; the SDK uses the global `fetch`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#ownWrites.clear();
  }

  async #find(key: string): Promise<Standing | undefined> {
    const standing = recordAmong(await this.#look(key), this.#records.isLive);
    if (standing !== undefined) this.#ownWrites.remember(key, standing.record);
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

  #own(secrets: Namesakes): Namesakes {
    return secrets.filter((secret) => !this.#ownWrites.isDeleted(secret.id) && !this.#records.isOfAnotherKind(secret));
  }

  /** Removes a record and what it replaced: true for the one caller that removed a live one. */
  async #remove({ record, replaced }: Standing, isLive: boolean): Promise<boolean> {
    await Promise.all(replaced.map((secret) => this.#deleteItem(secret)));
    if (isLive) return this.#removeItem(record);
    await this.#deleteItem(record);
    return false;
  }

  /** Deletes an item so that only one caller can be the one that did it. */
  async #removeItem(item: StoredItem): Promise<boolean> {
    if (!this.#settings.strictTake) return this.#deleteItem(item);
    if (!(await claim(this.#folder.calls, item, this.#settings))) return false;
    // The claim decides; an item that cannot be deleted now is a tombstone that a sweep removes.
    await this.#deleteItem(item).catch(() => false);
    return true;
  }

  async #deleteItem(item: StoredItem): Promise<boolean> {
    const deleted = await this.#folder.calls.delete(item.id);
    this.#ownWrites.rememberDeleted(item);
    return deleted;
  }

  /** False where the item is gone: the id that was remembered is of no use any more. */
  async #rotate(key: string, id: string, text: string): Promise<boolean> {
    const version = await this.#folder.calls.rotate(id, text);
    if (version === undefined) this.#ownWrites.forget(key, id);
    else this.#ownWrites.remember(key, { id, version });
    return version !== undefined;
  }

  /**
   * Stores a new item. What Vault answers where the name exists is not documented, so any refusal leads to a look: a
   * namesake of ours is rotated, otherwise the refusal stands. This also covers the SDK's own retry of a store whose
   * answer was lost.
   */
  async #store(key: string, text: string): Promise<void> {
    try {
      this.#ownWrites.remember(key, await this.#folder.calls.store(this.#records.toItem(key, text)));
    } catch (refusal) {
      if (!(refusal instanceof StorageRejectedError)) throw refusal;
      const found = recordAmong(this.#ownOr(refusal, await this.#folder.lookup.findOne(key)), this.#records.isLive);
      if (found === undefined || !(await this.#rotate(key, found.record.id, text))) throw refusal;
      await Promise.all(found.replaced.map((secret) => this.#deleteItem(secret)));
    }
  }

  /** @throws {StorageRejectedError} when only a record of another kind explains the refusal. */
  #ownOr(refusal: StorageRejectedError, found: Namesakes): Namesakes {
    const own = this.#own(found);
    if (own.length === 0 && found.some((secret) => this.#records.isOfAnotherKind(secret))) throw nameIsTaken(refusal);
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
      delete: (item) => afterWrite(this.#deleteItem(item)),
      remove: (item) => afterWrite(this.#removeItem(item)),
      keep: (item) => this.#ownWrites.remember(key, item),
    };
  }

  async #all(): Promise<Namesakes> {
    this.#assertOpen();
    // Read to the end first: deleting while paging would move the pages.
    const secrets: VaultSecret[] = [];
    for await (const secret of this.#folder.lookup.all()) secrets.push(secret);
    return this.#own(secrets);
  }

  #assertUsable(key: unknown): void {
    if (typeof key !== "string" || key === "") throw new InvalidKeyError("A key must be a string that is not empty.");
    this.#assertOpen();
  }

  #assertOpen(): void {
    if (this.#closed) throw new StorageClosedError("The repository was closed.", { effect: "none" });
  }
}
