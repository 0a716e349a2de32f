import { requireMethods } from "../option-checks.ts";

/**
 * An asynchronous key-value store for records that may expire.
 *
 * Five methods and no options at the call. A record carries its own absolute expiry (`expiresAt`, epoch seconds), so
 * no caller can forget a time to live and no layer restarts a clock. A record past its expiry is absent: `get` and
 * `take` answer `undefined`, `delete` answers `false`, `add` writes in its place.
 *
 * Every method rejects with a `StorageError`, such as a `StorageUnavailableError`, when the store cannot answer; an outage is
 * never reported as "absent". The empty key is refused with an `InvalidKeyError`.
 *
 * @typeParam K - The type of the keys.
 * @typeParam V - The type of the records. `undefined` is not a record; every other value, falsy ones included, is.
 *
 * @example
 * ```ts
 * const sessions: Repository<string, { user: string; expiresAt: number }> = new InMemoryRepository();
 * const expiresAt = Math.floor(Date.now() / 1000) + 60;
 * await sessions.set("a", { user: "ada", expiresAt });
 * await sessions.take("a"); // { user: "ada", … } for one caller, undefined for every other
 * await sessions.add("b", { user: "bob", expiresAt }); // true for one caller, false for every other
 * ```
 */
export interface Repository<K extends string, V> {
  /** Reads the record, or `undefined` where there is none. */
  get(key: K): Promise<V | undefined>;

  /** Writes the record, in place of any that the key had. Resolves only once the store has it. */
  set(key: K, value: V): Promise<void>;

  /** Deletes the record. True for exactly one of any number of concurrent callers, false where there was none. */
  delete(key: K): Promise<boolean>;

  /** Atomic get-and-delete: exactly one of any number of concurrent callers gets the record. */
  take(key: K): Promise<V | undefined>;

  /**
   * Writes the record where the key has none. True for exactly one of any number of concurrent callers; false leaves the
   * record that is there as it is, its expiry included. A record that cannot be read is never written over: the answer
   * is false, or the error that `get` gives.
   */
  add(key: K, value: V): Promise<boolean>;
}

/**
 * Checks that a value is a repository, as far as its methods tell.
 *
 * @param name - What the value is for, for the message.
 * @throws {ConfigurationError} when a method is missing; the message names all that are.
 */
export function requireRepository(name: string, value: unknown): void {
  const remedy = "a repository has get, set, delete, take and add, and inOneProcess() makes one of the first three";
  requireMethods(name, value, ["get", "set", "delete", "take", "add"], remedy);
}
