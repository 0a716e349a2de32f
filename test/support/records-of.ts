import { isEnumerable, type Repository } from "../../src/index.ts";

/** Every record of a repository that can list them, with its key. */
export async function recordsOf<V>(repository: Repository<string, V>): Promise<[string, V][]> {
  if (!isEnumerable(repository)) throw new TypeError("The repository cannot list its records.");
  const records: [string, V][] = [];
  for await (const record of repository.entries()) records.push(record);
  return records;
}
