import type { ZodType } from "zod";
import {
  createRepositories,
  type EnumerableRepository,
  type IndexedRepository,
  type Indexes,
  InMemoryRepository,
  jsonCodec,
} from "../../src/index.ts";
import { readExpiresAt } from "../../src/storage/expiry.ts";
import { UnreadableRecords } from "../../src/storage/unreadable-records.ts";

interface StoredText {
  readonly text: string;
  /** What the record is found by, by the names of the indexes. */
  readonly found: Readonly<Record<string, string | undefined>>;
  readonly expiresAt: number;
}

/**
 * No record is kept for longer. What says that something has ended would outlast a run, which has as many users as a server has
 * in years; all that it speaks of is over by then.
 */
const longestSeconds = 1_800;

/** Keeps every record as JSON text, which the fuzzer may change under the provider's hands. */
export class FuzzedStore {
  /**
   * Changes what is read of one kind of record, as long as it is set. Nothing that is done meanwhile stays: the next
   * request finds the store as it was.
   */
  corruption: { readonly kind: string; readonly corrupt: (text: string) => string } | undefined;
  readonly repositories;

  /** @param isIndexed - Whether it finds grants by their user. Otherwise all are read for that. */
  constructor(clock: () => number, isIndexed: boolean) {
    this.repositories = createRepositories(<V>(schema: ZodType<V>, kind: string, indexes: Indexes<V>) =>
      this.#repository(schema, { kind, indexes: isIndexed ? indexes : {}, clock }),
    );
  }

  #repository<V>(
    schema: ZodType<V>,
    { kind, indexes, clock }: { readonly kind: string; readonly indexes: Indexes<V>; readonly clock: () => number },
  ): EnumerableRepository<string, V> & IndexedRepository<string, V> {
    const indexNames = Object.keys(indexes);
    const ofText = indexNames.map((name) => [name, ({ found }: StoredText) => found[name]] as const);
    const texts = new InMemoryRepository<string, StoredText>({ clock, indexes: Object.fromEntries(ofText) });
    const codec = jsonCodec(schema);
    const read = (key: string, stored: StoredText | undefined): V | undefined => {
      if (stored === undefined) return undefined;
      let { text } = stored;
      if (this.corruption?.kind === kind) text = this.corruption.corrupt(text);
      return codec.decode(text, { repository: kind, key });
    };
    const isKept = () => this.corruption === undefined;
    const write = (key: string, value: V): StoredText => {
      const expiresAt = Math.min(readExpiresAt(value) ?? Number.POSITIVE_INFINITY, clock() / 1_000 + longestSeconds);
      const text = codec.encode(value, { repository: kind, key });
      const found = Object.fromEntries(Object.entries(indexes).map(([name, ofRecord]) => [name, ofRecord(value)]));
      return { text, found, expiresAt };
    };
    const readAll = async function* (stored: AsyncIterable<[string, StoredText]>): AsyncGenerator<[string, V]> {
      const unreadable = new UnreadableRecords();
      for await (const [key, one] of stored) {
        const value = unreadable.read(() => read(key, one));
        if (value !== undefined) yield [key, value];
      }
      unreadable.throwIfAny();
    };
    return {
      indexNames,
      get: async (key) => read(key, await texts.get(key)),
      take: async (key) => read(key, await (isKept() ? texts.take(key) : texts.get(key))),
      delete: async (key) => (isKept() ? texts.delete(key) : (await texts.get(key)) !== undefined),
      set: async (key, value) => {
        const stored = write(key, value);
        if (isKept()) await texts.set(key, stored);
      },
      add: async (key, value) => {
        const stored = write(key, value);
        return isKept() ? texts.add(key, stored) : (await texts.get(key)) === undefined;
      },
      entries: () => readAll(texts.entries()),
      entriesBy: async function* (index, value) {
        for await (const entry of readAll(texts.entriesBy(index, value))) {
          if (indexes[index]?.(entry[1]) === value) yield entry;
        }
      },
    };
  }
}
