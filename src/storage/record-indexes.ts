import { ConfigurationError, InvalidRecordError } from "../errors.ts";
import { requireKind, requireThat } from "../option-checks.ts";
import type { Codec } from "./codecs/codec.ts";
import { labelsOf } from "./codecs/labels.ts";
import type { Indexes, ReadIndexValue } from "./indexed.ts";
import { nameOfThrown } from "./record-errors.ts";

/** How many indexes a repository has at most: stores have a column for each. */
export const maxIndexes = 3;

const nameForm = /^[a-z][a-z0-9_]{0,31}$/;

/** What a store keeps beside a record, so that it is found by its indexes. */
export interface IndexEntry {
  /**
   * Says how the labels were made: with which key, and for which indexes. A record with another scheme, or with none, may have
   * any value: a search has to read it.
   */
  readonly scheme: string;
  /** A label for each index, in the order of `names`; undefined where the record is not in the index. */
  readonly labels: readonly (string | undefined)[];
}

/** What an index is asked for. */
export interface IndexQuery {
  /** Of the index among `names`. */
  readonly position: number;
  /** The labels that stand for the value, one for each key. */
  readonly labels: readonly string[];
}

/**
 * Says under which labels a record is found. A label stands for a value and tells nothing of it: where records are sealed it is
 * made with the key that seals, so whoever reads the store cannot guess either. A label is for one repository and index.
 */
export class RecordIndexes<V> {
  /** In a fixed order. */
  readonly names: readonly string[];
  readonly #readers: readonly ReadIndexValue<V>[];
  readonly #codec: Pick<Codec<never>, "labels">;

  /**
   * @param codec - Makes the labels.
   * @throws {ConfigurationError} when a name or a reader is wrong, or there are too many.
   */
  constructor(indexes: Indexes<V> | undefined, codec: Pick<Codec<never>, "labels">) {
    requireKind("indexes", indexes, "object");
    const entries = Object.entries(indexes ?? {}).sort(([one], [other]) => (one < other ? -1 : 1));
    requireThat(entries.length <= maxIndexes, `indexes may be ${maxIndexes} at most.`);
    for (const [name, read] of entries) {
      requireThat(nameForm.test(name), "The name of an index must be 1 to 32 of the characters a-z, 0-9 and _.");
      requireThat(typeof read === "function", `indexes.${name} must be a function that reads a record.`);
    }
    this.names = entries.map(([name]) => name);
    this.#readers = entries.map(([, read]) => read);
    this.#codec = codec;
  }

  /** How labels may have been made that can be looked up: the first is how they are made now. Empty without indexes. */
  schemes(): readonly string[] {
    if (this.names.length === 0) return [];
    return labelsOf(this.#codec, "").map(({ keyId }) => this.#schemeOf(keyId));
  }

  /**
   * What is to be kept beside a record; undefined without indexes.
   *
   * @throws {InvalidRecordError} when an index cannot read the record.
   */
  entryOf(record: V, repository: string): IndexEntry | undefined {
    if (this.names.length === 0) return undefined;
    let scheme = this.schemes()[0] ?? "";
    const labels = this.#readers.map((read, position) => {
      const value = indexValueOf(read, record, this.names[position]);
      if (value === undefined) return undefined;
      const [made] = labelsOf(this.#codec, this.#labelled(position, value, repository));
      if (made === undefined) return undefined;
      scheme = this.#schemeOf(made.keyId);
      return made.label;
    });
    return { scheme, labels };
  }

  /**
   * How a value is looked up.
   *
   * @throws {ConfigurationError} when there is no such index, or the value is no text.
   */
  queryFor(index: string, value: string, repository: string): IndexQuery {
    const position = this.names.indexOf(index);
    if (position < 0) {
      const known = this.names.length === 0 ? "it has none" : `it has ${this.names.join(", ")}`;
      throw new ConfigurationError(`The repository has no index "${index}": ${known}.`);
    }
    requireThat(typeof value === "string", "The value that an index is asked for must be a text.");
    const labels = labelsOf(this.#codec, this.#labelled(position, value, repository)).map(({ label }) => label);
    return { position, labels };
  }

  /** True for a record whose value in the index is this one: an index may lead to records that it had before. */
  isMeant(record: V, { position }: IndexQuery, value: string): boolean {
    return this.#readers[position]?.(record) === value;
  }

  #schemeOf(keyId: string): string {
    return [keyId, ...this.names].join(".");
  }

  #labelled(position: number, value: string, repository: string): string {
    return JSON.stringify([repository, this.names[position], value]);
  }
}

function indexValueOf<V>(read: ReadIndexValue<V>, record: V, name: string | undefined): string | undefined {
  let value: unknown;
  try {
    value = read(record);
  } catch (error) {
    // Without the cause, which may quote the record.
    throw new InvalidRecordError(
      `The record cannot be written: the index ${name} could not read it and threw ${nameOfThrown(error)}.`,
    );
  }
  if (value === undefined || typeof value === "string") return value;
  throw new InvalidRecordError(`The record cannot be written: the index ${name} reads of it what is no text.`);
}
