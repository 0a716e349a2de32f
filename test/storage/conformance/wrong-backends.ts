import { CorruptRecordError, StorageFailure, UnsealableError } from "../../../src/errors.ts";
import type { Codec } from "../../../src/index.ts";
import { readExpiresAt } from "../../../src/storage/expiry.ts";
import { KeyTurns } from "../../../src/storage/key-turns.ts";
import { type Build, type FileMistake, TextRepository, type TextStore } from "./text-repository.ts";

/** Lets others run in the middle of an operation, as a store over a network does. */
const meanwhile = () => new Promise<void>((resolve) => setImmediate(resolve));
/** Of the wrong indexes that instances share: the name that each key has there. */
const namesAt = new WeakMap<TextStore, Map<string, unknown>>();
function namesOf(store: TextStore): Map<string, unknown> {
  const names = namesAt.get(store) ?? new Map<string, unknown>();
  namesAt.set(store, names);
  return names;
}

/** The mistakes that only a race of processes shows: the rule's name, and what the processes do. */
export const wrongProcesses: Readonly<Record<string, FileMistake>> = {
  "of the takes of several processes one gets each record": "take reads and then deletes",
  "of the deletes of several processes one is true for each record": "delete looks first",
  "of the adds of several processes one is true for each key, and its record stays": "add looks first",
};

/** One mistake for each rule of the suite: the rule's name, and a backend that breaks it. */
export const wrongBackends: Readonly<Record<string, Build>> = {
  "get answers undefined for a key that was never set": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async get(key: string) {
        return (await super.get(key)) ?? JSON.parse("null");
      }
    })(store, codec),

  "get answers what was set, as often as it is asked": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async get(key: string) {
        return this.take(key);
      }
    })(store, codec),

  "set replaces what the key had": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async set(key: string, value: V) {
        if ((await this.get(key)) === undefined) await super.set(key, value);
      }
    })(store, codec),

  "set leaves other keys alone": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async set(key: string, value: V) {
        this.store.texts.clear();
        await super.set(key, value);
      }
    })(store, codec),

  "delete is true for a record and false for none, and the record is gone": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async delete(key: string) {
        await super.delete(key);
        return true;
      }
    })(store, codec),

  "take gives the record once and leaves none": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async take(key: string) {
        return this.get(key);
      }
    })(store, codec),

  "a key can be set again after it was deleted or taken": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      readonly #dead = new Set<string>();
      override async delete(key: string) {
        this.#dead.add(key);
        return super.delete(key);
      }
      override async set(key: string, value: V) {
        if (!this.#dead.has(key)) await super.set(key, value);
      }
    })(store, codec),

  "keys of any characters are kept apart": named((key) => key.replaceAll(/[^a-zA-Z0-9]/g, "_")),

  "keys that differ in case, in a slash or in white space are different keys": named((key) => key.trim().toLowerCase()),

  "the empty key is refused by every method": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      protected override check(key: string) {
        if (key !== "") super.check(key);
      }
    })(store, codec),

  "falsy values are values": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async get(key: string) {
        return (await super.get(key)) || undefined;
      }
    })(store, codec),

  "changing a value after set or add does not change the record": keepsObjects({ copyIn: false, copyOut: true }),

  "changing a value that get gave does not change the record": keepsObjects({ copyIn: true, copyOut: false }),

  "a second instance on the same store sees what the first one did": (_store, codec) =>
    new TextRepository(newStore(_store), codec),

  "add writes where no record is, is true, and leaves other keys alone": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async add(key: string, value: V) {
        // Takes any record at all for one of this key.
        return this.store.texts.size > 0 ? false : super.add(key, value);
      }
    })(store, codec),

  "add is false where a record is, and leaves it as it is": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async add(key: string, value: V) {
        const existed = this.isThere(key);
        await this.set(key, value);
        return !existed;
      }
    })(store, codec),

  "add is true again after the record was deleted or taken": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      readonly #added = new Set<string>();
      override async add(key: string, value: V) {
        if (this.#added.has(key)) return false;
        this.#added.add(key);
        return super.add(key, value);
      }
    })(store, codec),

  "what was added can be replaced, taken and deleted like what was set": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      readonly #added = new Map<string, V>();
      // Keeps what was added apart, and forgets it only when it is taken.
      override async add(key: string, value: V) {
        const added = await super.add(key, value);
        if (added) this.#added.set(key, value);
        return added;
      }
      override async take(key: string) {
        const value = (await super.take(key)) ?? this.#added.get(key);
        return value;
      }
    })(store, codec),

  "an add on one instance counts on another": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      readonly #own = newStore(store);
      override async add(key: string, value: V) {
        if (this.#own.texts.has(key)) return false;
        this.#own.texts.set(key, "");
        this.write(key, value);
        return true;
      }
    })(store, codec),

  "add is false until the record expires and true from then on": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async add(key: string, value: V) {
        return this.store.texts.has(key) ? false : super.add(key, value);
      }
    })(store, codec),

  "an added record expires like one that was set": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async add(key: string, value: V) {
        const added = await super.add(key, value);
        const { expiresAt, ...others } = JSON.parse(this.store.texts.get(key) ?? "{}");
        if (added) this.store.texts.set(key, JSON.stringify(others));
        return added;
      }
    })(store, codec),

  "an add that is refused does not prolong the record": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async add(key: string, value: V) {
        const added = await super.add(key, value);
        const text = this.store.texts.get(key);
        const expiresAt = readExpiresAt(value);
        if (!added && text !== undefined && expiresAt !== undefined) {
          this.store.texts.set(key, JSON.stringify({ ...JSON.parse(text), expiresAt }));
        }
        return added;
      }
    })(store, codec),

  "a record that has expired when it is added is absent, and replaces none": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async add(key: string, value: V) {
        if (!this.isOver(value)) return super.add(key, value);
        return !(await this.delete(key));
      }
    })(store, codec),

  "of a hundred concurrent adds one is true, and its record is the one that stays": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async add(key: string, value: V) {
        if ((await this.get(key)) !== undefined) return false;
        await this.set(key, value);
        return true;
      }
    })(store, codec),

  "of concurrent adds on two instances one is true": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      // A lock of its own, which the other instance does not see.
      readonly #turns = new KeyTurns();
      override add(key: string, value: V) {
        return this.#turns.run(key, async () => {
          const existed = this.isThere(key);
          await meanwhile();
          if (!existed) this.write(key, value);
          return !existed;
        });
      }
    })(store, codec),

  "of concurrent adds in place of an expired record one is true": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async add(key: string, value: V) {
        // One step where there is nothing, and several where something has to go first.
        if (!this.store.texts.has(key)) return super.add(key, value);
        if (this.isThere(key)) return false;
        await meanwhile();
        this.store.texts.delete(key);
        return super.add(key, value);
      }
    })(store, codec),

  "of concurrent adds and takes each take gets a record whose add was true, once": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      readonly #adding = new Map<string, V>();
      // A record can be taken while its add still waits, which then finds it gone.
      override async add(key: string, value: V) {
        if (this.#adding.has(key) || !(await super.add(key, value))) return false;
        this.#adding.set(key, value);
        await meanwhile();
        this.#adding.delete(key);
        return this.isThere(key);
      }
    })(store, codec),

  "a set or a delete that comes with an add leaves what one of their orders would": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async add(key: string, value: V) {
        const existed = this.isThere(key);
        await meanwhile();
        if (!existed) this.write(key, value);
        return !existed;
      }
    })(store, codec),

  "of a hundred concurrent takes one gets the record": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async take(key: string) {
        const value = await this.get(key);
        await this.delete(key);
        return value;
      }
    })(store, codec),

  "of a hundred concurrent deletes one is true": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async delete(key: string) {
        const existed = (await this.get(key)) !== undefined;
        await meanwhile();
        await super.delete(key);
        return existed;
      }
    })(store, codec),

  "of concurrent takes and deletes of one key one succeeds": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      readonly #taking = new Set<string>();
      // Each is right by itself, and neither knows of the other.
      override async take(key: string) {
        if (this.#taking.has(key)) return undefined;
        this.#taking.add(key);
        const value = this.read(key);
        await meanwhile();
        await super.delete(key);
        this.#taking.delete(key);
        return value;
      }
    })(store, codec),

  "of concurrent takes on two instances one gets the record": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      // A lock of its own, which the other instance does not see.
      #locked = Promise.resolve();
      override take(key: string) {
        const taken = this.#locked.then(async () => {
          const value = this.read(key);
          await meanwhile();
          this.store.texts.delete(key);
          return value;
        });
        this.#locked = taken.then(() => undefined);
        return taken;
      }
    })(store, codec),

  "concurrent gets of many keys each get their own record, and undefined for the keys that are not there": (
    store,
    codec,
  ) =>
    new (class<V> extends TextRepository<V> {
      #waiting: { key: string; resolve: (value: V | undefined) => void }[] = [];
      // Coalesces reads, and forgets that the answer leaves out what is not there.
      override get(key: string) {
        return new Promise<V | undefined>((resolve) => {
          this.#waiting.push({ key, resolve });
          if (this.#waiting.length > 1) return;
          queueMicrotask(() => {
            const batch = this.#waiting;
            this.#waiting = [];
            const found = batch.map((read) => this.read(read.key)).filter((value) => value !== undefined);
            batch.forEach(({ resolve: answer }, index) => {
              answer(found[index]);
            });
          });
        });
      }
    })(store, codec),

  "concurrent sets of one key leave one of the values, whole": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async set(key: string, value: V) {
        const text = this.codec.encode(value, { repository: "text", key });
        const half = Math.ceil(text.length / 2);
        // Two writes where one is needed: the first half is that of whoever came last.
        this.store.texts.set(`${key}/1`, text.slice(0, half));
        if (text.includes('"7"')) await meanwhile();
        this.store.texts.set(`${key}/2`, text.slice(half));
        this.store.texts.set(key, `${this.store.texts.get(`${key}/1`)}${this.store.texts.get(`${key}/2`)}`);
      }
    })(store, codec),

  "a get that follows a set, a delete or a take in time sees what it did": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async set(key: string, value: V) {
        // Answers before the store has it.
        void meanwhile().then(() => super.set(key, value));
      }
    })(store, codec),

  "a record is there until it expires and absent from then on": over((expiresAt, now) => expiresAt < now),

  "an expired record cannot be taken or deleted": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async take(key: string) {
        const text = this.store.texts.get(key);
        await super.take(key);
        return text === undefined ? undefined : this.codec.decode(text, { repository: "text", key });
      }
    })(store, codec),

  "reading does not prolong a record": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async get(key: string) {
        const value = await super.get(key);
        const expiresAt = readExpiresAt(value);
        if (value !== undefined && expiresAt !== undefined) {
          const prolonged = { ...JSON.parse(JSON.stringify(value)), expiresAt: expiresAt + 30 };
          this.store.texts.set(key, JSON.stringify(prolonged));
        }
        return value;
      }
    })(store, codec),

  "fractions of a second count": over((expiresAt, now) => Math.floor(expiresAt) <= now),

  "a record that has expired when it is set is absent, and so is the one it replaced": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async set(key: string, value: V) {
        if (!this.isOver(value)) await super.set(key, value);
      }
    })(store, codec),

  "a record without an expiry stays": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      readonly #made = this.store.now;
      protected override isOver(value: V) {
        return super.isOver(value) || this.store.now - this.#made > 86_400_000;
      }
    })(store, codec),

  "a later set gives the record its new expiry": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      readonly #expiries = new Map<string, number | undefined>();
      override async set(key: string, value: V) {
        if (!this.#expiries.has(key)) this.#expiries.set(key, readExpiresAt(value));
        await super.set(key, value);
      }
      protected override read(key: string) {
        const expiresAt = this.#expiries.get(key);
        return expiresAt !== undefined && expiresAt * 1000 <= this.store.now ? undefined : super.read(key);
      }
    })(store, codec),

  "a read under way while its record is deleted does not bring the record back": cachesWithoutFence("delete"),
  "a read under way while its record is taken does not bring the record back": cachesWithoutFence("take"),
  "a read under way while its record is replaced does not bring the old one back": cachesWithoutFence("set"),
  "a read under way while its record makes way for an added one does not bring the old one back":
    cachesWithoutFence("add"),

  "a read under way while its record is added does not hide it": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      readonly #absent = new Set<string>();
      override async get(key: string) {
        if (this.#absent.has(key)) return undefined;
        const value = await super.get(key);
        if (value === undefined) this.#absent.add(key);
        return value;
      }
      override async add(key: string, value: V) {
        this.#absent.delete(key);
        return super.add(key, value);
      }
    })(store, codec),

  "a store that fails is an error of every method, never an absent record": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async delete(key: string) {
        return super.delete(key).catch(() => false);
      }
    })(store, codec),

  "a stored value that is no valid record is a typed error that shows nothing of it": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      protected override read(key: string) {
        try {
          return super.read(key);
        } catch {
          return undefined;
        }
      }
    })(store, codec),

  "a record that cannot be read is not added over": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async add(key: string, value: V) {
        const isLive = await this.get(key)
          .then((live) => live !== undefined)
          .catch(() => false);
        if (isLive) return false;
        this.write(key, value);
        return true;
      }
    })(store, codec),

  "a corrupt record can be deleted": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      protected override isThere(key: string) {
        return this.read(key) !== undefined;
      }
    })(store, codec),

  "a corrupt record can be overwritten": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async set(key: string, value: V) {
        this.read(key);
        await super.set(key, value);
      }
    })(store, codec),

  "a record that expires at the end of the year 2200 is kept": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      // Takes no record for more than a hundred years.
      override async set(key: string, value: V) {
        if (!(Object(value).expiresAt > Date.UTC(2150, 0, 1) / 1000)) await super.set(key, value);
      }
    })(store, codec),

  "an expiry that is no time is refused before anything is written": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      // Deletes what the key had, and then finds out.
      override async set(key: string, value: V) {
        this.store.texts.delete(key);
        await super.set(key, value);
      }
    })(store, codec),

  "a stored expiry that is no time makes the record corrupt, never absent or everlasting": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      // Takes for no expiry what it does not understand.
      protected override read(key: string) {
        const text = this.store.texts.get(key);
        if (text === undefined) return undefined;
        const { expiresAt, ...others } = JSON.parse(text);
        const isTime = Number.isFinite(expiresAt) && expiresAt < 7e9;
        const known = JSON.stringify(isTime ? { ...others, expiresAt } : others);
        return this.codec.decode(known, { repository: "text", key });
      }
    })(store, codec),

  "a record that expired before it was written is absent, at 0 and before the epoch": over(
    (expiresAt, now) => expiresAt > 0 && expiresAt <= now,
  ),

  "a record that cannot be read stays where it is when it is taken": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async take(key: string) {
        try {
          return await super.take(key);
        } catch (error) {
          if (error instanceof CorruptRecordError) this.store.texts.delete(key);
          throw error;
        }
      }
    })(store, codec),

  "a record sealed under a key that is missing stays, and the error names the key": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      protected override read(key: string) {
        try {
          return super.read(key);
        } catch (error) {
          if (error instanceof UnsealableError) throw new UnsealableError("It does not open.");
          throw error;
        }
      }
    })(store, codec),

  "a take whose answer is lost gives the record or an unknown effect, never undefined": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      // Sends again what may have been done.
      override async take(key: string) {
        return super.take(key).catch(ifFailed(() => super.take(key)));
      }
    })(store, codec),

  "a delete whose answer is lost is true or an unknown effect, never false": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async delete(key: string) {
        return super.delete(key).catch(ifFailed(() => super.delete(key)));
      }
    })(store, codec),

  "an add whose answer is lost is true or an unknown effect, never false": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async add(key: string, value: V) {
        return super.add(key, value).catch(ifFailed(() => super.add(key, value)));
      }
    })(store, codec),

  "a set whose answer is lost is done or an unknown effect, and leaves a whole record": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      // Tidies up after what it takes for a failure.
      override async set(key: string, value: V) {
        await super.set(key, value).catch(async (error: unknown) => {
          this.store.texts.delete(key);
          throw error;
        });
      }
    })(store, codec),

  "a list has every record once, under its own key": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      // The first page only.
      override async *entries() {
        let number = 0;
        for await (const entry of super.entries()) if (++number <= 100) yield entry;
      }
    })(store, codec),

  "a list leaves out what has expired": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async *entries(): AsyncGenerator<[string, V], void, undefined> {
        for (const [key, text] of this.store.texts) yield [key, this.codec.decode(text, { repository: "text", key })];
      }
    })(store, codec),

  "a list goes on where a record cannot be read, and may say so at its end": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async *entries(): AsyncGenerator<[string, V], void, undefined> {
        for (const key of this.store.texts.keys()) {
          try {
            const value = this.read(key);
            if (value !== undefined) yield [key, value];
          } catch {
            return;
          }
        }
      }
    })(store, codec),

  "what a repository says it can do, it does": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async *entriesBy(index: string, value: string) {
        if (this.indexNames.includes(index)) yield* super.entriesBy(index, value);
      }
    })(store, codec),

  "an index finds the records of a value, each once, under its own key": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      // Of a page it takes the first hundred for all.
      override async *entriesBy(index: string, value: string) {
        let number = 0;
        for await (const entry of super.entriesBy(index, value)) if (++number <= 100) yield entry;
      }
    })(store, codec),

  "an index follows a record that is replaced, deleted or taken": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      readonly #names = new Map<string, unknown>();
      // Knows a record by the name that it had at first.
      protected override write(key: string, value: V) {
        super.write(key, value);
        if (!this.#names.has(key)) this.#names.set(key, this.nameIn(value));
      }
      override async *entriesBy(index: string, value: string) {
        for await (const entry of super.entriesBy(index, value)) if (this.#names.get(entry[0]) === value) yield entry;
      }
    })(store, codec),

  "an index leaves out what has expired": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async *entriesBy(_index: string, value: string): AsyncGenerator<[string, V], void, undefined> {
        for (const [key, text] of this.store.texts) {
          const record = this.codec.decode(text, { repository: "text", key });
          if (this.nameIn(record) === value) yield [key, record];
        }
      }
    })(store, codec),

  "an index has what another instance has written": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      readonly #own = new Set<string>();
      protected override write(key: string, value: V) {
        super.write(key, value);
        this.#own.add(key);
      }
      override async *entriesBy(index: string, value: string) {
        for await (const entry of super.entriesBy(index, value)) if (this.#own.has(entry[0])) yield entry;
      }
    })(store, codec),

  "an index has every record that many callers add at once": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      #index: readonly string[] = [];
      // Reads the whole index and writes it back: whoever does so meanwhile loses an entry.
      override async add(key: string, value: V) {
        const index = this.#index;
        await meanwhile();
        const added = await super.add(key, value);
        this.#index = [...index, key];
        return added;
      }
      override async set(key: string, value: V) {
        await super.set(key, value);
        this.#index = [...this.#index, key];
      }
      override async *entriesBy(index: string, value: string) {
        for await (const entry of super.entriesBy(index, value)) if (this.#index.includes(entry[0])) yield entry;
      }
    })(store, codec),

  "after writes on two instances at once an index has what a read gives": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      readonly #names = namesOf(store);
      // Writes down the name after the record: of two writers the earlier may be the later one to do so.
      override async set(key: string, value: V) {
        await super.set(key, value);
        if (this.nameIn(value) === "ada") await meanwhile();
        this.#names.set(key, this.nameIn(value));
      }
      override async *entriesBy(index: string, value: string) {
        for await (const entry of super.entriesBy(index, value)) {
          if ((this.#names.get(entry[0]) ?? value) === value) yield entry;
        }
      }
    })(store, codec),

  "an index finds what was written without it": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      readonly #indexed = new Set<string>();
      protected override write(key: string, value: V) {
        super.write(key, value);
        this.#indexed.add(key);
      }
      override async *entriesBy(index: string, value: string) {
        for await (const entry of super.entriesBy(index, value)) if (this.#indexed.has(entry[0])) yield entry;
      }
    })(store, codec),

  "a search goes on where a record cannot be read, and never ends as if nothing were missing": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async *entriesBy(index: string, value: string) {
        try {
          yield* super.entriesBy(index, value);
        } catch {
          // What cannot be read is left out, and nobody hears of it.
        }
      }
    })(store, codec),

  "a search says which key is missing for a record that may be meant": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async *entriesBy(index: string, value: string): AsyncGenerator<[string, V], void, undefined> {
        this.check("any");
        for (const key of [...this.store.texts.keys()]) {
          const record = await this.get(key).catch(() => undefined);
          if (record !== undefined && this.nameIn(record) === value) yield [key, record];
        }
        if (index === "") throw new CorruptRecordError("There is no such index.");
      }
    })(store, codec),

  "a store that fails is an error of the search, never a shorter one": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async *entriesBy(index: string, value: string) {
        if (!this.store.isBroken) yield* super.entriesBy(index, value);
      }
    })(store, codec),

  "a store that fails is an error of the list, never a shorter one": (store, codec) =>
    new (class<V> extends TextRepository<V> {
      override async *entries() {
        if (!this.store.isBroken) yield* super.entries();
      }
    })(store, codec),
};

/** Does something in place of a call whose store failed. */
function ifFailed<R>(again: () => Promise<R>): (error: unknown) => Promise<R> {
  return async (error) => {
    if (error instanceof StorageFailure) return again();
    throw error;
  };
}

function named(nameOf: (key: string) => string): Build {
  return (store, codec) =>
    new (class<V> extends TextRepository<V> {
      protected override nameOf(key: string) {
        return nameOf(key);
      }
    })(store, codec);
}

/** Both in seconds. */
function over(isOver: (expiresAt: number, now: number) => boolean): Build {
  return (store, codec) =>
    new (class<V> extends TextRepository<V> {
      protected override isOver(value: V) {
        const expiresAt = readExpiresAt(value);
        return expiresAt !== undefined && isOver(expiresAt, this.store.now / 1000);
      }
    })(store, codec);
}

/** Keeps the caller's objects, or hands out its own. */
function keepsObjects({ copyIn, copyOut }: { readonly copyIn: boolean; readonly copyOut: boolean }): Build {
  return <V>(store: TextStore, codec: Codec<V>) =>
    new (class extends TextRepository<V> {
      readonly #objects = new Map<string, V>();
      override async set(key: string, value: V) {
        this.#objects.set(key, copyIn ? structuredClone(value) : value);
      }
      override async get(key: string) {
        const value = this.#objects.get(key);
        return copyOut ? structuredClone(value) : value;
      }
      override async add(key: string, value: V) {
        if (this.#objects.has(key)) return false;
        await this.set(key, value);
        return true;
      }
    })(store, codec);
}

/** A cache that is filled by whatever a read brings, whenever it brings it; right but for one method. */
function cachesWithoutFence(unfenced: "set" | "delete" | "take" | "add"): Build {
  return <V>(store: TextStore, codec: Codec<V>) =>
    new (class extends TextRepository<V> {
      readonly #cache = new Map<string, V>();
      #fence = 0;
      override async get(key: string) {
        const cached = this.#cache.get(key);
        if (cached !== undefined) return cached;
        const fence = this.#fence;
        const value = await super.get(key);
        if (value !== undefined && fence === this.#fence) this.#cache.set(key, value);
        return value;
      }
      override async set(key: string, value: V) {
        this.#forget(key, "set");
        await super.set(key, value);
      }
      override async delete(key: string) {
        this.#forget(key, "delete");
        return super.delete(key);
      }
      override async take(key: string) {
        this.#forget(key, "take");
        return super.take(key);
      }
      override async add(key: string, value: V) {
        this.#forget(key, "add");
        return super.add(key, value);
      }
      #forget(key: string, method: string): void {
        this.#cache.delete(key);
        if (method !== unfenced) this.#fence += 1;
      }
    })(store, codec);
}

/** A store of its own for each instance, with the clock of the shared one. */
function newStore(shared: TextStore): TextStore {
  return Object.assign(Object.create(shared), { texts: new Map<string, string>() });
}
