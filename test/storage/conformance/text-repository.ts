import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type RepositoryUnderTest, type SampleRecord, sampleSchema } from "../../../src/conformance.ts";
import {
  ConfigurationError,
  InvalidKeyError,
  StorageTimeoutError,
  StorageUnavailableError,
} from "../../../src/errors.ts";
import { asCodec, type Codec, KeyRing, type Repository, sealed } from "../../../src/index.ts";
import { isExpired, RecordExpiry } from "../../../src/storage/expiry.ts";
import { UnreadableRecords } from "../../../src/storage/unreadable-records.ts";
import { fastDisk } from "../../support/fast-disk.ts";
import { Gate, heldRead } from "../../support/gated-repository.ts";

/** What instances share: texts by key, and what a test does to all of them. */
export class TextStore {
  readonly texts = new Map<string, string>();
  now = Date.now();
  isBroken = false;
  gate: Gate | undefined;
  losesAnswer = false;
}

const expiry = new RecordExpiry<unknown>(undefined);

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
    this.answer(undefined);
  }

  async delete(key: string): Promise<boolean> {
    this.check(key);
    const existed = this.isThere(key);
    this.store.texts.delete(this.nameOf(key));
    return this.answer(existed);
  }

  async take(key: string): Promise<V | undefined> {
    this.check(key);
    const value = this.read(key);
    this.store.texts.delete(this.nameOf(key));
    return this.answer(value);
  }

  async add(key: string, value: V): Promise<boolean> {
    this.check(key);
    if (this.isThere(key)) return false;
    this.write(key, value);
    return this.answer(true);
  }

  /** The answer to a change that was done, unless the test loses it. */
  protected answer<R>(result: R): R {
    if (!this.store.losesAnswer) return result;
    this.store.losesAnswer = false;
    throw new StorageTimeoutError("The test lost the answer.");
  }

  async *entries(): AsyncGenerator<[string, V], void, undefined> {
    this.check("any");
    for (const key of this.store.texts.keys()) {
      let value: V | undefined;
      try {
        value = this.read(key);
      } catch {
        // It is no record, and there may be more.
      }
      if (value !== undefined) yield [key, value];
    }
  }

  readonly indexNames: readonly string[] = ["name"];

  async *entriesBy(index: string, value: string): AsyncGenerator<[string, V], void, undefined> {
    this.check("any");
    if (!this.indexNames.includes(index)) throw new ConfigurationError("There is no such index.");
    const unreadable = new UnreadableRecords();
    for (const key of [...this.store.texts.keys()]) {
      const record = unreadable.read(() => this.read(key));
      if (record !== undefined && this.nameIn(record) === value) yield [key, record];
    }
    unreadable.throwIfAny();
  }

  protected nameIn(record: V): unknown {
    return typeof record === "object" && record !== null && "name" in record ? record.name : undefined;
  }

  protected write(key: string, value: V): void {
    this.expiryOfNew(value);
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
    this.expiryOfStored(value, key);
    return this.isOver(value) ? undefined : value;
  }

  protected expiryOfNew(value: V): void {
    expiry.ofNew(value);
  }

  protected expiryOfStored(value: V, key: string): void {
    expiry.ofStored(value, { repository: "text", key });
  }

  protected isOver(value: V): boolean {
    return isExpired(expiry.ofNew(value), this.store.now);
  }
}

/** Makes instances on a store: the right ones, or wrong ones. */
export type Build = <V>(store: TextStore, codec: Codec<V>) => Repository<string, V>;

export const buildRight: Build = (store, codec) => new TextRepository(store, codec);

const fileProcess = fileURLToPath(new URL("./text-files-process.ts", import.meta.url));

const ours = sealed(sampleSchema, KeyRing.from("the secret of the repository under test"));
const otherKeys = KeyRing.from("a secret that the repository does not have");
const plain = asCodec<SampleRecord>(sampleSchema);
/** Writes plain texts, and opens what is sealed. */
const codec: Codec<SampleRecord> = {
  encode: (value, location) => plain.encode(value, location),
  decode: (text, location) => (text.startsWith("v2.") ? ours : plain).decode(text, location),
};

/** What a process of `text-files-process.ts` makes of the files: the right thing, or one mistake. */
export type FileMistake = "none" | "take reads and then deletes" | "delete looks first" | "add looks first";

/** The subject of a case, on instances that `build` makes. The processes have a store of files. */
export function subjectOf(build: Build, store = new TextStore(), mistake: FileMistake = "none"): RepositoryUnderTest {
  const files = mkdtempSync(join(fastDisk(), "pangea-text-files-"));
  const anything: Codec<unknown> = {
    encode: (value) => JSON.stringify(value),
    decode: (text) => JSON.parse(text),
  };
  return {
    repository: build(store, codec),
    anyValue: build(new TextStore(), anything),
    again: () => build(store, codec),
    unindexed: () => buildRight(store, codec),
    advanceSeconds: (seconds) => {
      store.now += seconds * 1000;
    },
    now: () => store.now,
    plant: async (key, text) => {
      store.texts.set(key, text);
    },
    plantUnopenable: async (key) => {
      const text = sealed(sampleSchema, otherKeys).encode({ name: "planted", list: [] }, { repository: "text", key });
      store.texts.set(key, text);
      return otherKeys.ids[0] ?? "";
    },
    loseAnswer: () => {
      store.losesAnswer = true;
    },
    processes: { command: process.execPath, args: [fileProcess, files, mistake] },
    dispose: () => rmSync(files, { recursive: true, force: true }),
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
