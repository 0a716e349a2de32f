import type { Repository } from "./contract.ts";

/**
 * A repository that can list its records: for an operator's tools and for maintenance, not for serving requests. The
 * repositories of this package can.
 *
 * @example
 * ```ts
 * for await (const [key, grant] of repositories.grants.entries()) console.log(key, grant.subject);
 * ```
 */
export interface EnumerableRepository<K extends string, V> extends Repository<K, V> {
  /**
   * Lists the records that have not expired. A record that is written or deleted meanwhile may be listed or not.
   *
   * Rejects with a `StorageError` when the store fails; and after the last record with an `UnreadableRecordsError`, where
   * there were records that could not be read. So nothing is missing from a listing that ends without an error.
   */
  entries(): AsyncIterable<[K, V]>;
}

/**
 * True for a repository that can list its records.
 *
 * @example
 * ```ts
 * if (isEnumerable(repository)) for await (const [key] of repository.entries()) console.log(key);
 * ```
 */
export function isEnumerable<K extends string, V>(
  repository: Repository<K, V>,
): repository is EnumerableRepository<K, V> {
  return (
    typeof repository === "object" &&
    repository !== null &&
    "entries" in repository &&
    typeof repository.entries === "function"
  );
}
