import { StorageUnavailableError } from "../../src/errors.ts";
import type { Repository } from "../../src/storage/contract.ts";

/** A repository that refuses those of its writes that the test says. */
export function refusing<V>(
  inner: Repository<string, V>,
  refuses: (method: "set" | "delete" | "add", value?: V) => boolean,
): Repository<string, V> {
  const check = (method: "set" | "delete" | "add", value?: V): void => {
    if (refuses(method, value)) throw new StorageUnavailableError("The test refuses.");
  };
  return {
    get: async (key) => inner.get(key),
    set: async (key, value) => {
      check("set", value);
      await inner.set(key, value);
    },
    delete: async (key) => {
      check("delete");
      return inner.delete(key);
    },
    take: async (key) => inner.take(key),
    add: async (key, value) => {
      check("add", value);
      return inner.add(key, value);
    },
  };
}
