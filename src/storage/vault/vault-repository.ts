import {
  CorruptRecordError,
  InvalidKeyError,
  RecordTooLargeError,
  StorageClosedError,
  StorageRejectedError,
  UnsealableError,
} from "../../errors.ts";
import { asCodec, type SchemaOrCodec } from "../codecs/as-codec.ts";
import type { Codec } from "../codecs/codec.ts";
import type { Repository } from "../contract.ts";
import { isExpired, type ReadExpiry, readExpiresAt } from "../expiry.ts";
import { KeyTurns } from "../key-turns.ts";
import { claim } from "./claim.ts";
import { connectToVault } from "./connect.ts";
import { type PangeaVaultRepositoryOptions, readVaultOptions, type VaultRepositorySettings } from "./options.ts";
import { OwnWrites } from "./own-writes.ts";
import { type Namesakes, newestFirst, SecretLookup } from "./secret-lookup.ts";
import { isTombstone } from "./tombstone.ts";
import { VaultCalls } from "./vault-calls.ts";
import type { VaultSecret, VaultServiceLike } from "./vault-service.ts";

/** Vault's limit for a secret, in characters. */
const maxTextLength = 10_240;

/** A record that was found: the secret that holds it, its older namesakes, and its value where it is alive. */
interface Found<V> {
  readonly secret: VaultSecret;
  readonly older: readonly VaultSecret[];
  readonly value: V | undefined;
}

/**
 * Keeps records as secrets in Pangea Vault, one secret a record, named after its key.
 *
 * Vault has no compare-and-swap and no get-and-delete. `take` reads the record and then deletes its item, and the
 * caller whose delete succeeds is the one that gets the value; with `strictTake` a rotation claims it first. A `take` or
 * `delete` that races a `set` of the same key may remove what the `set` wrote: fit for single-use records, whose keys
 * are written once. A strict `take` that has overwritten a newer value so rejects, its effect
 * unknown. When a delete was carried out but its answer was lost, nobody gets the value: it is burned.
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
export class PangeaVaultRepository<V, K extends string = string> implements Repository<K, V> {
  readonly #codec: Codec<V>;
  readonly #settings: VaultRepositorySettings;
  readonly #expiresAt: ReadExpiry<V>;
  readonly #calls: VaultCalls;
  readonly #lookup: SecretLookup;
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
    options: PangeaVaultRepositoryOptions<V> = {},
  ) {
    const { expiresAt, ...others } = options;
    this.#settings = readVaultOptions(others);
    this.#codec = asCodec(schemaOrCodec);
    this.#expiresAt = expiresAt ?? readExpiresAt;
    const service = typeof tokenOrService === "object" ? tokenOrService : connectToVault(tokenOrService, options);
    this.#calls = new VaultCalls(service, this.#settings);
    this.#lookup = new SecretLookup(this.#calls, this.#settings.folder);
    this.#ownWrites = new OwnWrites(this.#settings.maxKnownIds);
  }

  async get(key: K): Promise<V | undefined> {
    this.#assertUsable(key);
    return (await this.#find(key))?.value;
  }

  async set(key: K, value: V): Promise<void> {
    this.#assertUsable(key);
    const text = this.#encode(key, value);
    await this.#turns.run(key, async () => {
      const known = this.#ownWrites.get(key);
      if (known === undefined || !(await this.#rotate(key, known.id, text))) await this.#store(key, text);
    });
  }

  async delete(key: K): Promise<boolean> {
    try {
      return (await this.#remove(key)) !== undefined;
    } catch (failure) {
      if (!isUnreadable(failure)) throw failure;
      return this.#removeUnreadable(key);
    }
  }

  /** Temporary: not one step. */
  async add(key: K, value: V): Promise<boolean> {
    if ((await this.get(key)) !== undefined) return false;
    await this.set(key, value);
    return true;
  }

  async take(key: K): Promise<V | undefined> {
    return this.#remove(key);
  }

  /**
   * Deletes the records of this folder and kind that have expired, and what strict takes left behind. Vault does not
   * expire items by itself: run it now and then, on one instance. The folder is read into memory, a hundred items a call.
   *
   * @returns The number of items deleted.
   */
  async sweep(): Promise<number> {
    let deleted = 0;
    for await (const secret of this.#all()) {
      if (!this.#isOver(secret)) continue;
      // The list may be old by now: another instance may have renewed the record, under the same id.
      const current = await this.#calls.get(secret.id);
      if (current === undefined || current.version !== secret.version || !this.#isOver(current)) continue;
      if (await this.#deleteItem(secret)) deleted += 1;
    }
    return deleted;
  }

  /**
   * Every record of this folder and kind that has not expired. Records that cannot be read are left out. The folder is
   * read into memory first, a hundred items a call.
   */
  async *entries(): AsyncGenerator<[string, V], void, undefined> {
    for await (const secret of this.#all()) {
      const value = this.#readIfReadable(secret)?.value;
      if (value !== undefined) yield [secret.name, value];
    }
  }

  /** Ends the repository: later calls reject. There is no connection to close; the SDK uses the global `fetch`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#ownWrites.clear();
  }

  async #find(key: string): Promise<Found<V> | undefined> {
    const [secret, ...older] = await this.#look(key);
    if (secret === undefined) return undefined;
    this.#ownWrites.remember(key, secret);
    return { secret, older, value: this.#read(secret) };
  }

  /** Finds a record by name, and by the id that this instance remembers where a search does not show its write yet. */
  async #look(key: string): Promise<Namesakes> {
    const shown = this.#own(await this.#lookup.find(key));
    const known = this.#ownWrites.get(key);
    if (known === undefined || shown.some(({ id, version }) => id === known.id && version >= known.version)) {
      return shown;
    }
    const others = shown.filter(({ id }) => id !== known.id);
    const secret = await this.#calls.get(known.id);
    if (secret?.name === key) return newestFirst([...this.#own([secret]), ...others]);
    this.#ownWrites.forget(key, known.id);
    return others;
  }

  #own(secrets: Namesakes): Namesakes {
    return secrets.filter((secret) => !this.#ownWrites.isDeleted(secret.id) && !this.#isOfAnotherKind(secret));
  }

  #isOfAnotherKind(secret: VaultSecret): boolean {
    const { kind } = this.#settings;
    return kind !== undefined && secret.kind !== undefined && secret.kind !== kind;
  }

  /** The value of a secret, or undefined where it counts as absent. */
  #read(secret: VaultSecret): V | undefined {
    if (secret.text === undefined || isTombstone(secret.text)) return undefined;
    const value = this.#codec.decode(secret.text, this.#location(secret.name));
    return isExpired(this.#expiresAt(value), this.#settings.clock()) ? undefined : value;
  }

  /** Removes a record; the value goes to the one caller that did it. */
  async #remove(key: K): Promise<V | undefined> {
    this.#assertUsable(key);
    const found = await this.#find(key);
    if (found === undefined) return undefined;
    // Older namesakes go first: were the newest gone before them, another caller would find one of them.
    await Promise.all(found.older.map((secret) => this.#deleteItem(secret)));
    if (found.value === undefined || !this.#settings.strictTake) {
      return (await this.#deleteItem(found.secret)) ? found.value : undefined;
    }
    if (!(await claim(this.#calls, found.secret, this.#settings))) return undefined;
    // The claim decides; an item that cannot be deleted now is a tombstone that a sweep removes.
    await this.#deleteItem(found.secret).catch(() => false);
    return found.value;
  }

  /** Removes what is under a key without reading it; true for the one caller that did it. */
  async #removeUnreadable(key: K): Promise<boolean> {
    const secrets = await this.#look(key);
    const deleted = await Promise.all(secrets.map((secret) => this.#deleteItem(secret)));
    return deleted.includes(true);
  }

  async #deleteItem(secret: VaultSecret): Promise<boolean> {
    const deleted = await this.#calls.delete(secret.id);
    this.#ownWrites.rememberDeleted(secret);
    return deleted;
  }

  #encode(key: string, value: V): string {
    const text = this.#codec.encode(value, this.#location(key));
    if (text.length <= maxTextLength) return text;
    throw new RecordTooLargeError(
      `The record has ${text.length} characters when encoded; Vault takes ${maxTextLength} at the most.`,
    );
  }

  /** False where the item is gone: the id that was remembered is of no use any more. */
  async #rotate(key: string, id: string, text: string): Promise<boolean> {
    const version = await this.#calls.rotate(id, text);
    if (version === undefined) this.#ownWrites.forget(key, id);
    else this.#ownWrites.remember(key, { id, version });
    return version !== undefined;
  }

  /**
   * Stores a new item. What Vault answers where the name exists is not documented, so any refusal leads to a look: a
   * namesake of ours is rotated, otherwise the refusal stands. This also covers the SDK's own retry of a store whose
   * answer was lost.
   */
  async #store(name: string, secret: string): Promise<void> {
    const { folder, kind } = this.#settings;
    const place = { ...(folder !== undefined && { folder }), ...(kind !== undefined && { metadata: { kind } }) };
    try {
      this.#ownWrites.remember(name, { id: await this.#calls.store({ name, secret, ...place }), version: 1 });
    } catch (refusal) {
      if (!(refusal instanceof StorageRejectedError)) throw refusal;
      const found = await this.#lookup.findOne(name);
      const [existing, ...older] = this.#own(found);
      if (existing === undefined && found.some((item) => this.#isOfAnotherKind(item))) throw nameIsTaken(refusal);
      if (existing === undefined || !(await this.#rotate(name, existing.id, secret))) throw refusal;
      await Promise.all(older.map((namesake) => this.#deleteItem(namesake)));
    }
  }

  async *#all(): AsyncGenerator<VaultSecret, void, undefined> {
    this.#assertOpen();
    // Read to the end first: deleting while paging would move the pages.
    const secrets: VaultSecret[] = [];
    for await (const secret of this.#lookup.all()) secrets.push(secret);
    yield* this.#own(secrets);
  }

  /** True for what a sweep deletes. A secret that Vault withholds may be enabled again. */
  #isOver(secret: VaultSecret): boolean {
    const read = this.#readIfReadable(secret);
    return read !== undefined && read.value === undefined && secret.text !== undefined;
  }

  /** What `#read` gives, or undefined for a secret that cannot be read. */
  #readIfReadable(secret: VaultSecret): { readonly value: V | undefined } | undefined {
    try {
      return { value: this.#read(secret) };
    } catch (failure) {
      if (isUnreadable(failure)) return undefined;
      throw failure;
    }
  }

  #location(key: string): { readonly repository: string; readonly key: string } {
    const { folder, kind } = this.#settings;
    return { repository: `vault:${folder ?? ""}:${kind ?? ""}`, key };
  }

  #assertUsable(key: unknown): void {
    if (typeof key !== "string" || key === "") throw new InvalidKeyError("A key must be a string that is not empty.");
    this.#assertOpen();
  }

  #assertOpen(): void {
    if (this.#closed) throw new StorageClosedError("The repository was closed.", { effect: "none" });
  }
}

function isUnreadable(failure: unknown): boolean {
  return failure instanceof CorruptRecordError || failure instanceof UnsealableError;
}

function nameIsTaken(refusal: StorageRejectedError): StorageRejectedError {
  return new StorageRejectedError(
    "The folder holds a record of another kind under the same key, and Vault keeps names unique; use another folder.",
    { cause: refusal, effect: "none" },
  );
}
