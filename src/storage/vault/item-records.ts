import { CorruptRecordError, RecordTooLargeError, UnsealableError } from "../../errors.ts";
import type { SchemaOrCodec } from "../codecs/as-codec.ts";
import type { ReadExpiry } from "../expiry.ts";
import { RecordText } from "../record-text.ts";
import type { VaultRepositorySettings } from "./options.ts";
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
  ) {
    const { clock } = settings;
    this.#texts = new RecordText(schemaOrCodec, { clock, ...(expiresAt !== undefined && { expiresAt }) });
    this.#settings = settings;
  }

  /** @throws {RecordTooLargeError} when Vault does not take a text of that length. */
  encode(key: string, value: V): string {
    const { text } = this.#texts.encode(value, this.#location(key));
    if (text.length <= maxTextLength) return text;
    throw new RecordTooLargeError(
      `The record has ${text.length} characters when encoded; Vault takes ${maxTextLength} at the most.`,
    );
  }

  /** The item that a text is stored as, with the mark of the add that stores it. */
  toItem(name: string, secret: string, addedWith?: string): NewSecret {
    const { folder, kind } = this.#settings;
    const metadata = { ...(kind !== undefined && { kind }), ...(addedWith !== undefined && { added: addedWith }) };
    const hasMetadata = Object.keys(metadata).length > 0;
    return { name, secret, ...(folder !== undefined && { folder }), ...(hasMetadata && { metadata }) };
  }

  isOfAnotherKind(secret: VaultSecret): boolean {
    const { kind } = this.#settings;
    return kind !== undefined && secret.kind !== undefined && secret.kind !== kind;
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
    const { folder, kind } = this.#settings;
    return { repository: `vault:${folder ?? ""}:${kind ?? ""}`, key };
  }
}

/** True for the failure of reading what is no record. */
export function isUnreadable(failure: unknown): boolean {
  return failure instanceof CorruptRecordError || failure instanceof UnsealableError;
}
