import type { Repository } from "./contract.ts";

/** The optional capability of a repository that remembers records: a read that asks the store all the same. */
export interface FreshlyReadable<K extends string, V> {
  /** The record as the store has it now. What the repository remembers is brought up to date by it. */
  getFresh(key: K): Promise<V | undefined>;
}

/**
 * Reads a record as the store has it now, past every copy that a repository keeps.
 *
 * @throws {StorageError} when the store fails.
 *
 * @example
 * ```ts
 * const grant = await getFresh(repositories.grants, grantId);
 * ```
 */
export function getFresh<K extends string, V>(repository: Repository<K, V>, key: K): Promise<V | undefined> {
  return isFreshlyReadable(repository) ? repository.getFresh(key) : repository.get(key);
}

/** True for a repository that remembers records and can be told to ask the store. */
export function isFreshlyReadable<K extends string, V>(
  repository: Repository<K, V>,
): repository is Repository<K, V> & FreshlyReadable<K, V> {
  return "getFresh" in repository;
}
