import type { Repository } from "./contract.ts";

/**
 * Reads of a record what an index finds it by; undefined for a record that the index does not have. The answer depends on the
 * record alone, and is the same for the same record.
 */
export type ReadIndexValue<V> = (record: V) => string | undefined;

/**
 * The indexes of a repository, up to three, by their names: 1 to 32 of `a-z`, `0-9` and `_`, beginning with a letter.
 *
 * @example
 * ```ts
 * const indexes: Indexes<Grant> = { client: (grant) => grant.clientId, subject: (grant) => grant.subject };
 * ```
 */
export type Indexes<V> = Readonly<Record<string, ReadIndexValue<V>>>;

/** How a repository is told of its indexes. */
export interface IndexOptions<V> {
  /** What records are found by beside their key: see `entriesBy`. Default: no index. */
  readonly indexes?: Indexes<V>;
}

/**
 * A repository that finds records by a member of theirs, such as the grants of one user. It costs by what it finds and not by
 * what the store holds. The repositories of this package can, where they are given `indexes`.
 *
 * @example
 * ```ts
 * const grants = new SqliteRepository(GrantSchema, database, {
 *   table: "grant",
 *   indexes: { subject: (grant) => grant.subject },
 * });
 * for await (const [grantId, grant] of grants.entriesBy("subject", "ada")) console.log(grantId, grant.scopes);
 * ```
 */
export interface IndexedRepository<K extends string, V> extends Repository<K, V> {
  /** The names of the indexes. */
  readonly indexNames: readonly string[];

  /**
   * Lists the records that have not expired and whose value in the index is this one, in no order. A record that is written or
   * deleted meanwhile may be listed or not.
   *
   * Rejects with a `StorageError` when the store fails, with a `ConfigurationError` for an index that the repository does not
   * have, and after the last record with an `UnreadableRecordsError` where there were records that could not be read and that
   * may be among those meant. So nothing is missing from a listing that ends without an error.
   */
  entriesBy(index: string, value: string): AsyncIterable<[K, V]>;
}

/**
 * True for a repository that finds records by this index.
 *
 * @example
 * ```ts
 * if (isIndexedBy(repository, "subject")) for await (const [key] of repository.entriesBy("subject", "ada")) console.log(key);
 * ```
 */
export function isIndexedBy<K extends string, V>(
  repository: Repository<K, V>,
  index: string,
): repository is IndexedRepository<K, V> {
  return hasIndexes(repository) && repository.indexNames.includes(index);
}

/** True for a repository that finds records by anything. */
export function hasIndexes<K extends string, V>(repository: Repository<K, V>): repository is IndexedRepository<K, V> {
  return (
    typeof repository === "object" &&
    repository !== null &&
    "entriesBy" in repository &&
    typeof repository.entriesBy === "function" &&
    "indexNames" in repository &&
    Array.isArray(repository.indexNames)
  );
}
