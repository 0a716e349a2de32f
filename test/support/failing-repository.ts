import { StorageUnavailableError } from "../../src/errors.ts";
import { createRepositories, InMemoryRepository, type ProviderRepositories, type Repository } from "../../src/index.ts";

type Operation = "get" | "set" | "delete" | "take" | "add";

/** Repositories in memory with an outage that a test switches on, for some operations or for all. */
export class FailingRepositories {
  readonly repositories: ProviderRepositories;
  readonly #failing = new Set<Operation>();

  constructor(options: { readonly clock?: () => number } = {}) {
    this.repositories = createRepositories(<V>() => this.#wrap(new InMemoryRepository<string, V>(options)));
  }

  fail(...operations: Operation[]): void {
    for (const operation of operations) this.#failing.add(operation);
  }

  recover(): void {
    this.#failing.clear();
  }

  #wrap<V>(inner: Repository<string, V>): Repository<string, V> {
    const check = (operation: Operation): void => {
      if (this.#failing.has(operation)) throw new StorageUnavailableError("The test switched the store off.");
    };
    return {
      get: async (key) => {
        check("get");
        return inner.get(key);
      },
      set: async (key, value) => {
        check("set");
        return inner.set(key, value);
      },
      delete: async (key) => {
        check("delete");
        return inner.delete(key);
      },
      take: async (key) => {
        check("take");
        return inner.take(key);
      },
      add: async (key, value) => {
        check("add");
        return inner.add(key, value);
      },
    };
  }
}
