import { type Repository, requireRepository } from "./contract.ts";
import { isEnumerable } from "./enumerable.ts";
import { readExpiryOf } from "./expiry.ts";
import { isFreshlyReadable } from "./fresh-read.ts";
import { hasIndexes } from "./indexed.ts";
import { noteLayer } from "./layers.ts";
import { isMemoryReadable, rememberedUnless } from "./memory-read.ts";
import { canReadBack } from "./read-back.ts";

/** A call that a wrapper passes on, or not. */
export type PassOn = <R>(method: RepositoryMethod, call: () => Promise<R>, key: string) => Promise<R>;

/** The methods by key that a repository can have. */
export type RepositoryMethod = keyof Repository<string, unknown> | "getFresh";

/**
 * A repository that hands every call by key to a wrapper. It has the optional capabilities that the repository has, and no
 * others: a fresh read, a read of memory, what a read would give back, how it
 * reads an expiry, a list of the records, what finds them by an index, an end.
 *
 * @param hearsAll - True while a read of memory has to go through the wrapper too, and so by `get`. Default: never, for a
 * wrapper to whom a read that asks no store is nothing.
 * @throws {ConfigurationError} when it is no repository.
 */
export function wrapped<K extends string, V>(
  repository: Repository<K, V>,
  passOn: PassOn,
  hearsAll?: () => boolean,
): Repository<K, V> {
  requireRepository("The repository", repository);
  const wrapper: Repository<K, V> = {
    get: (key) => passOn("get", () => repository.get(key), key),
    set: (key, value) => passOn("set", () => repository.set(key, value), key),
    delete: (key) => passOn("delete", () => repository.delete(key), key),
    take: (key) => passOn("take", () => repository.take(key), key),
    add: (key, value) => passOn("add", () => repository.add(key, value), key),
  };
  giveListings(wrapper, repository);
  noteLayer(wrapper, repository);
  return Object.assign(
    wrapper,
    isFreshlyReadable(repository) && {
      getFresh: (key: K) => passOn("getFresh", () => repository.getFresh(key), key),
    },
    isMemoryReadable(repository) && {
      remembered(key: K) {
        const record = repository.remembered(key);
        return record && hearsAll ? rememberedUnless(hearsAll, record) : record;
      },
    },
    { readExpiry: readExpiryOf<V>(repository) },
    canReadBack(repository) && { readBack: (key: K, value: V) => repository.readBack(key, value) },
    isAsyncDisposable(repository) && { [Symbol.asyncDispose]: () => repository[Symbol.asyncDispose]() },
  );
}

/** A property as an object literal has it: whoever wraps a repository once more may put another listing in its place. */
const replaceable = { enumerable: true, writable: true, configurable: true } as const;

/**
 * Gives a repository in front of another one the listings that the other has: the list of its records, and what finds them by
 * an index. Which indexes there are is asked each time, for a repository may get its keys late.
 *
 * @param requireOpen - Throws where nothing may be listed any more. Default: it always may be.
 */
export function giveListings<K extends string, V>(
  front: object,
  repository: Repository<K, V>,
  requireOpen: () => void = () => undefined,
): void {
  if (isEnumerable(repository)) {
    const list = async function* (): AsyncGenerator<[K, V], void, undefined> {
      requireOpen();
      yield* repository.entries();
    };
    Object.defineProperty(front, "entries", { value: list, ...replaceable });
  }
  if (!hasIndexes(repository)) return;
  const find = async function* (index: string, value: string): AsyncGenerator<[K, V], void, undefined> {
    requireOpen();
    yield* repository.entriesBy(index, value);
  };
  Object.defineProperty(front, "entriesBy", { value: find, ...replaceable });
  Object.defineProperty(front, "indexNames", {
    get: () => repository.indexNames,
    enumerable: true,
    configurable: true,
  });
}

/** True for what can be closed. */
export function isAsyncDisposable(value: object): value is AsyncDisposable {
  return Symbol.asyncDispose in value && typeof value[Symbol.asyncDispose] === "function";
}
