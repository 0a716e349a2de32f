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

/** True for a repository that can tell what its reads would give back. */
export function canReadBack<K extends string, V>(
  repository: Repository<K, V>,
): repository is Repository<K, V> & ReadsBack<K, V> {
  return "readBack" in repository && typeof repository.readBack === "function";
}
