import { RecordTooLargeError } from "../../errors.ts";
import type { SchemaOrCodec } from "../codecs/as-codec.ts";
import type { ReadExpiry } from "../expiry.ts";
import type { Indexes } from "../indexed.ts";
import type { IndexEntry, RecordIndexes } from "../record-indexes.ts";
import { type EncodedRecord, RecordText } from "../record-text.ts";
import { isUnreadable, type UnreadableRecords } from "../unreadable-records.ts";
import { indexMembers, indexPlaceOf, ownWriter, writerMember } from "./item-metadata.ts";
import { folderPath, type VaultRepositorySettings } from "./options.ts";
import { isTombstone } from "./tombstone.ts";
import type { NewSecret } from "./vault-calls.ts";
import type { VaultSecret } from "./vault-service.ts";

/** Vault's limit for a secret, in characters. */
const maxTextLength = 10_240;

/** Writes records into Vault's items and reads them back. */
export class ItemRecords<V> {
  readonly #texts: RecordText<V>;
  readonly #settings: VaultRepositorySettings;

  constructor(
    schemaOrCodec: SchemaOrCodec<V>,
    expiresAt: ReadExpiry<V> | undefined,
    settings: VaultRepositorySettings,
    indexes?: Indexes<V>,
  ) {
    const { clock } = settings;
    this.#texts = new RecordText(schemaOrCodec, {
      clock,
      ...(expiresAt !== undefined && { expiresAt }),
      ...(indexes !== undefined && { indexes }),
    });
    this.#settings = settings;
  }

  /** What the records are found by. */
  get indexes(): RecordIndexes<V> {
    return this.#texts.indexes;
  }

  /** Stands for this repository in the labels of its indexes. */
  get repositoryName(): string {
    const { folder, kind } = this.#settings;
    return `vault:${folder ?? ""}:${kind ?? ""}`;
  }

  /** @throws {RecordTooLargeError} when Vault does not take a text of that length. */
  encode(key: string, value: V): EncodedRecord {
    const encoded = this.#texts.encode(value, this.#location(key));
    const { text } = encoded;
    if (text.length <= maxTextLength) return encoded;
    throw new RecordTooLargeError(
      `The record has ${text.length} characters when encoded; Vault takes ${maxTextLength} at the most.`,
    );
  }

  /** The item that a text is stored as, with its place in the index and the mark of the add that stores it. */
  toItem(name: string, secret: string, indexEntry?: IndexEntry, addedWith?: string): NewSecret {
    const { folder } = this.#settings;
    return {
      name,
      secret,
      ...(folder !== undefined && { folder }),
      metadata: this.metadataOf({ indexEntry, addedWith }),
    };
  }

  /** The metadata of an item: without a place in the index it has the mark by which those are found that have none. */
  metadataOf({
    indexEntry,
    addedWith,
  }: Pick<VaultSecret, "addedWith"> & { readonly indexEntry?: IndexEntry | undefined }): Record<string, string> {
    const { kind } = this.#settings;
    return {
      ...(indexMembers(indexEntry) ?? { [writerMember]: ownWriter }),
      ...(kind !== undefined && { kind }),
      ...(addedWith !== undefined && { added: addedWith }),
    };
  }

  /** By what the index should find the record of an item; undefined without indexes, and where it cannot be read. */
  placeOf(secret: VaultSecret): string | undefined {
    if (this.indexes.names.length === 0) return undefined;
    const record = this.readIfReadable(secret)?.value;
    const entry = record === undefined ? undefined : this.indexEntryOf(secret, record);
    return indexPlaceOf(indexMembers(entry) ?? {});
  }

  /** What the index should have for a record that was read. */
  indexEntryOf(secret: VaultSecret, value: V): IndexEntry | undefined {
    return this.#texts.indexed(value, this.#location(secret.name)).indexEntry;
  }

  /**
   * True for an item that a key leads to: one of this folder and kind. An item without this package's mark counts too, if
   * it has this kind or none: the Python package and the first previews of this one have left no mark.
   */
  isOurs(secret: VaultSecret): boolean {
    const { folder, kind } = this.#settings;
    if (folder !== undefined && secret.folder !== undefined && folderPath(secret.folder) !== folder) return false;
    if (secret.writer !== undefined) return secret.writer === ownWriter && secret.kind === kind;
    return secret.kind === undefined || secret.kind === kind;
  }

  /** True for an item that nobody else can have stored: one that `isOurs`, and that says so itself. */
  isCertainlyOurs(secret: VaultSecret): boolean {
    return this.isOurs(secret) && (this.#settings.takeOver || isMarked(secret));
  }

  /**
   * The value of a secret, or undefined where it counts as absent.
   *
   * @throws {CorruptRecordError} when the text is no record.
   * @throws {UnsealableError} when the text was sealed with an unknown key or for another place.
   */
  read(secret: VaultSecret): V | undefined {
    if (secret.text === undefined || isTombstone(secret.text)) return undefined;
    return this.#texts.decode(secret.text, this.#location(secret.name));
  }

  /** What a read would give back of a value that is to be written. */
  readBack(key: string, value: V): V {
    return this.#texts.readBack(value, this.#location(key));
  }

  /**
   * What `read` gives. A record that cannot be read is counted; an item without a mark that cannot be read is none.
   */
  readOrCount(secret: VaultSecret, unreadable: UnreadableRecords): V | undefined {
    if (!isMarked(secret)) return this.readIfReadable(secret)?.value;
    return unreadable.read(() => this.read(secret));
  }

  /** What `read` gives, or undefined for a secret that cannot be read. */
  readIfReadable(secret: VaultSecret): { readonly value: V | undefined } | undefined {
    try {
      return { value: this.read(secret) };
    } catch (failure) {
      if (isUnreadable(failure)) return undefined;
      throw failure;
    }
  }

  /** True for what is or may be a record: a secret that cannot be read may be one. */
  readonly isLive = (secret: VaultSecret): boolean => {
    const read = this.readIfReadable(secret);
    return read === undefined || read.value !== undefined;
  };

  /** True for what a sweep deletes. A secret that Vault withholds may be enabled again. */
  isOver(secret: VaultSecret): boolean {
    return secret.text !== undefined && !this.isLive(secret);
  }

  #location(key: string): { readonly repository: string; readonly key: string } {
    return { repository: this.repositoryName, key };
  }
}

/** True for an item whose metadata says of what kind it is, or that this package has stored it. */
function isMarked({ writer, kind }: VaultSecret): boolean {
  return writer !== undefined || kind !== undefined;
}
