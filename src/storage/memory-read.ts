import type { Repository } from "./contract.ts";

/** A record that a repository remembers, as whoever reads it again and again holds it. */
export interface Remembered<V> {
  /**
   * The record, frozen, while a `get` would be answered with it from memory; `undefined` while a `get` would ask the store,
   * and for good once the record was written or forgotten. It counts as a use of the record.
   */
  current(): V | undefined;
  /**
   * What a reader has worked out of the record. It is kept as long as the record is remembered. Readers tell their own
   * notes from those of others by the class of the note.
   */
  note: unknown;
}

/** The optional capability of a repository that remembers records: a read that asks nobody and needs no promise. */
export interface MemoryReadable<K extends string, V> {
  /** What is remembered under the key, fresh or not. */
  remembered(key: K): Remembered<V> | undefined;
}

/** True for a repository that remembers records and shows them without a promise. */
export function isMemoryReadable<K extends string, V>(
  repository: Repository<K, V>,
): repository is Repository<K, V> & MemoryReadable<K, V> {
  return "remembered" in repository && typeof repository.remembered === "function";
}

/** The same record for a reader that has to ask by `get` while a condition holds. */
export function rememberedUnless<V>(isBarred: () => boolean, record: Remembered<V>): Remembered<V> {
  return {
    current: () => (isBarred() ? undefined : record.current()),
    get note() {
      return record.note;
    },
    set note(note) {
      record.note = note;
    },
  };
}
