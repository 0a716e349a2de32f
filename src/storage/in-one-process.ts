import { CorruptRecordError, UnreadableRecordsError, UnsealableError } from "../errors.ts";
import { requireMethods, requireOptions, requireThat } from "../option-checks.ts";
import type { Repository } from "./contract.ts";
import {
  type ExpiryOptions,
  expiryOptionKinds,
  isExpired,
  type ReadsExpiry,
  RecordExpiry,
  readExpiryOf,
} from "./expiry.ts";
import { KeyTurns } from "./key-turns.ts";
import { frozenRecord, requireKey } from "./record-checks.ts";
import { UnreadableRecords } from "./unreadable-records.ts";

/**
 * A backend of three methods, as the Python package's protocol has them. `set` and `delete` resolve once the store has
 * done it. A `delete` may answer anything, and may reject for a key without a record.
 */
export interface BasicRepository<K extends string, V> {
  /** Reads the record, or `undefined` where there is none. Records that have expired may be answered. */
  get(key: K): Promise<V | undefined>;
  set(key: K, value: V): Promise<unknown>;
  delete(key: K): Promise<unknown>;
  /**
   * What `get` would give after `set`, without writing anything, for a backend whose schema drops members or gives defaults.
   * A cache then keeps that; without this method it reads the backend after a write.
   */
  readBack?(key: K, value: V): V;
  /** Lists the records, for an operator. Records that have expired may be among them. */
  entries?(): AsyncIterable<[K, V]>;
  /** The names of the indexes, for a backend that has `entriesBy`. */
  readonly indexNames?: readonly string[];
  /**
   * Lists the records whose value in the index is this one, as that of an `IndexedRepository` does. Records that have expired
   * may be among them.
   */
  entriesBy?(index: string, value: string): AsyncIterable<[K, V]>;
}

/** The turns at each backend, so that two repositories on one backend take turns with each other. */
const turnsAt = new WeakMap<object, KeyTurns>();

/** A provider has a backend for each kind of record, and one warning is enough for all. */
let hasWarned = false;

/**
 * Makes a whole repository of a backend that has only `get`, `set` and `delete`, by letting one change of a key run at a
 * time. **For one process only**: two processes on one store do not know of each other's turns, so both may `take` the
 * same code. The process says so once with a warning; `--disable-warning=PANGEA_IN_ONE_PROCESS` turns it off. A store with a conditional write deserves a backend of all five methods instead.
 *
 * `delete`, `take` and `add` read before they write. Records are copied and frozen on their way in, and may hold plain
 * data, `URL`, `Date`, `Map` and `Set`. What the backend rejects with is passed on: it should be a `StorageError`. It keeps the
 * backend's `entries` and `entriesBy`, without what has expired.
 *
 * @param basic - Keeps the records. Nothing else may write to its store.
 * @param options - How to tell whether a record has expired.
 * @throws {ConfigurationError} when the backend lacks one of the three methods, or has all five of a repository.
 *
 * @example
 * ```ts
 * const repositories = createRepositories((schema, kind) => inOneProcess(new FileRepository(schema, `./state/${kind}`)));
 * ```
 */
export function inOneProcess<K extends string, V>(
  basic: BasicRepository<K, V>,
  options: ExpiryOptions<V> = {},
): Repository<K, V> {
  requireOptions("inOneProcess", options, expiryOptionKinds);
  requireMethods(
    "inOneProcess: the backend",
    basic,
    ["get", "set", "delete"],
    "give an object with these three methods",
  );
  const isWhole = ["take", "add"].every((method) => typeof Reflect.get(basic, method) === "function");
  requireThat(
    !isWhole,
    "inOneProcess: the backend is a whole repository, with take and add of its own, which are good for many processes: use it as it is.",
  );
  const { clock = Date.now } = options;
  const readExpiry = options.expiresAt ?? readExpiryOf<V>(basic);
  const expiry = new RecordExpiry(readExpiry);
  const isOver = (key: K, value: V): boolean => {
    return isExpired(expiry.ofStored(value, { repository: "the backend of inOneProcess()", key }), clock());
  };
  /** Everything about a record that can go wrong, before it is written. */
  const prepare = (key: K, value: V): V => {
    requireKey(key);
    const expiresAt = expiry.ofNew(value);
    const record = frozenRecord(value);
    expiry.requireKept(expiresAt, record);
    return record;
  };
  const turns = turnsAt.get(basic) ?? new KeyTurns();
  turnsAt.set(basic, turns);
  if (!hasWarned) process.emitWarning(warning, { code: "PANGEA_IN_ONE_PROCESS" });
  hasWarned = true;

  const read = async (key: K): Promise<V | undefined> => {
    requireKey(key);
    const value = await basic.get(key);
    return value === undefined || isOver(key, value) ? undefined : value;
  };
  /** An expired record is removed too: nothing else would. */
  const remove = async (key: K): Promise<V | undefined> => {
    requireKey(key);
    const value = await basic.get(key);
    if (value === undefined) return undefined;
    // Before the record is removed: one whose expiry cannot be read stays.
    const isAbsent = isOver(key, value);
    await basic.delete(key);
    return isAbsent ? undefined : value;
  };
  /** Leaves out what has expired, and says at the end what could not be read. */
  const current = async function* (listing: AsyncIterable<[K, V]>): AsyncGenerator<[K, V], void, undefined> {
    const unreadable = new UnreadableRecords();
    try {
      for await (const [key, value] of listing) {
        if (unreadable.read(() => isOver(key, value)) === false) yield [key, value];
      }
    } catch (failure) {
      if (!(failure instanceof UnreadableRecordsError)) throw failure;
      unreadable.addAll(failure);
    }
    unreadable.throwIfAny();
  };
  const { readBack, entries, entriesBy } = basic;
  const repository: Repository<K, V> & ReadsExpiry<V> = {
    readExpiry,
    ...(readBack !== undefined && {
      readBack: (key: K, value: V): V => Reflect.apply(readBack, basic, [key, prepare(key, value)]),
    }),
    get: read,
    set: async (key, value) => {
      const record = prepare(key, value);
      await turns.run(key, () => basic.set(key, record));
    },
    delete: (key) =>
      turns.run(key, async () => {
        try {
          return (await remove(key)) !== undefined;
        } catch (error) {
          if (!(error instanceof CorruptRecordError || error instanceof UnsealableError)) throw error;
          await basic.delete(key);
          return true;
        }
      }),
    take: (key) => turns.run(key, () => remove(key)),
    add: async (key, value) => {
      const record = prepare(key, value);
      return turns.run(key, async () => {
        if ((await read(key)) !== undefined) return false;
        await basic.set(key, record);
        return true;
      });
    },
  };
  if (entries !== undefined) Object.assign(repository, { entries: () => current(entries.call(basic)) });
  if (entriesBy !== undefined && basic.indexNames !== undefined) {
    const find = (index: string, value: string) => current(entriesBy.call(basic, index, value));
    Object.defineProperty(repository, "entriesBy", {
      value: find,
      enumerable: true,
      writable: true,
      configurable: true,
    });
    Object.defineProperty(repository, "indexNames", {
      get: () => basic.indexNames,
      enumerable: true,
      configurable: true,
    });
  }
  return repository;
}

const warning =
  "A repository of inOneProcess() is exact within one process only: never let a second process use the same store.";
