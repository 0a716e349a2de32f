import type { Repository } from "./contract.ts";

/** The optional capability of a repository whose reads may give back another value than was written. */
export interface ReadsBack<K extends string, V> {
  /**
   * What `get` would give after `set`, without writing anything: a schema may drop members or give defaults.
   *
   * @throws {InvalidRecordError} when `set` would refuse the value.
   */
  readBack(key: K, value: V): V;
}

/** What a repository's `get` would give after `set`; the value as it is where the repository does not say. */
export function readBackOf<K extends string, V>(repository: Repository<K, V>, key: K, value: V): V {
  return canReadBack(repository) ? repository.readBack(key, value) : value;
}

/** True for a repository that can tell what its reads would give back. */
export function canReadBack<K extends string, V>(
  repository: Repository<K, V>,
): repository is Repository<K, V> & ReadsBack<K, V> {
  return "readBack" in repository && typeof repository.readBack === "function";
}
