import type { ZodType } from "zod";
import { createRepositories, type EnumerableRepository, InMemoryRepository, jsonCodec } from "../../src/index.ts";
import { readExpiresAt } from "../../src/storage/expiry.ts";
import { UnreadableRecords } from "../../src/storage/unreadable-records.ts";

interface StoredText {
  readonly text: string;
  readonly expiresAt?: number;
}

/** Keeps every record as JSON text, which the fuzzer may change under the provider's hands. */
export class FuzzedStore {
  /**
   * Changes what is read of one kind of record, as long as it is set. Nothing that is done meanwhile stays: the next
   * request finds the store as it was.
   */
  corruption: { readonly kind: string; readonly corrupt: (text: string) => string } | undefined;
  readonly repositories;

  constructor(clock: () => number) {
    this.repositories = createRepositories((schema, kind) => this.#repository(schema, kind, clock));
  }

  #repository<V>(schema: ZodType<V>, kind: string, clock: () => number): EnumerableRepository<string, V> {
    const texts = new InMemoryRepository<string, StoredText>({ clock });
    const codec = jsonCodec(schema);
    const read = (key: string, stored: StoredText | undefined): V | undefined => {
      if (stored === undefined) return undefined;
      let { text } = stored;
      if (this.corruption?.kind === kind) text = this.corruption.corrupt(text);
      return codec.decode(text, { repository: kind, key });
    };
    const isKept = () => this.corruption === undefined;
    const write = (key: string, value: V): StoredText => {
      const expiresAt = readExpiresAt(value);
      const text = codec.encode(value, { repository: kind, key });
      return { text, ...(expiresAt !== undefined && { expiresAt }) };
    };
    return {
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
      entries: async function* () {
        const unreadable = new UnreadableRecords();
        for await (const [key, stored] of texts.entries()) {
          const value = unreadable.read(() => read(key, stored));
          if (value !== undefined) yield [key, value];
        }
        unreadable.throwIfAny();
      },
    };
  }
}
