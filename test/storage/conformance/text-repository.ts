import { type RepositoryUnderTest, type SampleRecord, sampleSchema } from "../../../src/conformance.ts";
import { InvalidKeyError, StorageUnavailableError } from "../../../src/errors.ts";
import { asCodec, type Codec, type Repository } from "../../../src/index.ts";
import { isExpired, readExpiresAt } from "../../../src/storage/expiry.ts";
import { Gate, heldRead } from "../../support/gated-repository.ts";

/** What instances share: texts by key, and what a test does to all of them. */
export class TextStore {
  readonly texts = new Map<string, string>();
  now = Date.now();
  isBroken = false;
  gate: Gate | undefined;
}

/** A repository that is right, and made so that one step at a time can be made wrong. */
export class TextRepository<V> implements Repository<string, V> {
  protected readonly store: TextStore;
  protected readonly codec: Codec<V>;

  constructor(store: TextStore, codec: Codec<V>) {
    this.store = store;
    this.codec = codec;
  }

  async get(key: string): Promise<V | undefined> {
    this.check(key);
    const gate = this.store.gate;
    this.store.gate = undefined;
    const read = async () => this.read(key);
    return gate === undefined ? read() : gate.admit(read);
  }

  async set(key: string, value: V): Promise<void> {
    this.check(key);
    this.write(key, value);
  }

  async delete(key: string): Promise<boolean> {
    this.check(key);
    const existed = this.isThere(key);
    this.store.texts.delete(this.nameOf(key));
    return existed;
  }

  async take(key: string): Promise<V | undefined> {
    this.check(key);
    const value = this.read(key);
    this.store.texts.delete(this.nameOf(key));
    return value;
  }

  async add(key: string, value: V): Promise<boolean> {
    this.check(key);
    if (this.isThere(key)) return false;
    this.write(key, value);
    return true;
  }

  protected write(key: string, value: V): void {
    this.store.texts.set(this.nameOf(key), this.codec.encode(value, { repository: "text", key }));
  }

  protected isThere(key: string): boolean {
    try {
      return this.read(key) !== undefined;
    } catch {
      return true;
    }
  }

  protected nameOf(key: string): string {
    return key;
  }

  protected check(key: string): void {
    if (key === "") throw new InvalidKeyError("The key is empty.");
    if (this.store.isBroken) throw new StorageUnavailableError("The test broke the store.");
  }

  protected read(key: string): V | undefined {
    const text = this.store.texts.get(this.nameOf(key));
    if (text === undefined) return undefined;
    const value = this.codec.decode(text, { repository: "text", key });
    return this.isOver(value) ? undefined : value;
  }

  protected isOver(value: V): boolean {
    return isExpired(readExpiresAt(value), this.store.now);
  }
}

/** Makes instances on a store: the right ones, or wrong ones. */
export type Build = <V>(store: TextStore, codec: Codec<V>) => Repository<string, V>;

export const buildRight: Build = (store, codec) => new TextRepository(store, codec);

/** The subject of a case, on instances that `build` makes. */
export function subjectOf(build: Build, store = new TextStore()): RepositoryUnderTest {
  const codec = asCodec<SampleRecord>(sampleSchema);
  const anything: Codec<unknown> = {
    encode: (value) => JSON.stringify(value),
    decode: (text) => JSON.parse(text),
  };
  return {
    repository: build(store, codec),
    anyValue: build(new TextStore(), anything),
    again: () => build(store, codec),
    advanceSeconds: (seconds) => {
      store.now += seconds * 1000;
    },
    now: () => store.now,
    plant: async (key, text) => {
      store.texts.set(key, text);
    },
    breakStore: () => {
      store.isBroken = true;
    },
    restoreStore: () => {
      store.isBroken = false;
    },
    holdRead: () => {
      const gate = new Gate();
      store.gate = gate;
      return heldRead(gate);
    },
  };
}
