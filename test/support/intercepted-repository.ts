import type { ZodType } from "zod";
import { StorageTimeoutError, StorageUnavailableError } from "../../src/errors.ts";
import {
  createRepositories,
  InMemoryRepository,
  type ProviderRepositories,
  type RecordKind,
  type Repository,
} from "../../src/index.ts";
import { canReadBack } from "../../src/storage/read-back.ts";

/** A method of a repository. */
export type Method = keyof Repository<string, unknown>;

/** A call of a repository. */
export interface Call<V> {
  readonly method: Method;
  readonly key: string;
  /** What is to be written, where the method writes. */
  readonly value?: V;
}

/** Stands between a caller and a repository. `run` passes the call on. */
export type Interception<V> = <R>(run: () => Promise<R>, call: Call<V>) => Promise<R>;

/** A repository whose every call goes through an interception. A further method of the contract is one line here. */
export function intercepted<K extends string, V>(
  repository: Repository<K, V>,
  intercept: Interception<V>,
): Repository<K, V> {
  return {
    get: (key) => intercept(() => repository.get(key), { method: "get", key }),
    set: (key, value) => intercept(() => repository.set(key, value), { method: "set", key, value }),
    delete: (key) => intercept(() => repository.delete(key), { method: "delete", key }),
    take: (key) => intercept(() => repository.take(key), { method: "take", key }),
    add: (key, value) => intercept(() => repository.add(key, value), { method: "add", key, value }),
    ...(canReadBack(repository) && { readBack: (key: K, value: V) => repository.readBack(key, value) }),
  };
}

/** Every repository of a provider, in memory, with one interception in front of all. */
export function interceptedRepositories(
  intercept: Interception<unknown>,
  options: { readonly clock?: () => number } = {},
): ProviderRepositories {
  return createRepositories(<V>() => intercepted(new InMemoryRepository<string, V>(options), intercept));
}

/** A repository that refuses the calls that the test says. */
export function refusing<V>(
  inner: Repository<string, V>,
  refuses: (method: Method, value?: V) => boolean,
): Repository<string, V> {
  return intercepted(inner, async (run, { method, value }) => {
    if (refuses(method, value)) throw new StorageUnavailableError("The test refuses.");
    return run();
  });
}

/**
 * When a call that fails does so: before the store has done what was asked, or after; and after, where the next read that
 * might tell fails too.
 */
export type FailureMoment = "before" | "after" | "after and unread";

/** A repository that lets the next call of a method fail, each time that the test says so. */
export function failingOnce<V>(inner: Repository<string, V>) {
  let next: { readonly method: Method; readonly moment: FailureMoment } | undefined;
  const repository = intercepted(inner, async (run, { method }) => {
    if (next?.method !== method) return run();
    const { moment } = next;
    next = moment === "after and unread" && method !== "get" ? { method: "get", moment } : undefined;
    if (moment !== "before") await run();
    throw new StorageTimeoutError("The test gives no answer.");
  });
  return {
    repository,
    failNext: (method: Method, moment: FailureMoment) => {
      next = { method, moment };
    },
    /** Whether a failure that was ordered has yet to come. */
    isPending: () => next !== undefined,
  };
}

/** A repository in which, once that begins, something else is always there first and is gone at once. */
export function overtaken<V>(inner: Repository<string, V>) {
  let isOvertaken = false;
  const repository: Repository<string, V> = {
    ...intercepted(inner, (run) => run()),
    add: async (key, value) => !isOvertaken && inner.add(key, value),
  };
  const begin = () => {
    isOvertaken = true;
  };
  return { repository, begin };
}

/** Repositories in memory that write down each call: the kind of record, and the method. */
export function recordedRepositories(options: { readonly clock?: () => number } = {}) {
  const calls: string[] = [];
  const repositories = createRepositories(<V>(_: ZodType<V>, kind: RecordKind) =>
    intercepted(new InMemoryRepository<string, V>(options), (run, { method }) => {
      calls.push(`${kind} ${method}`);
      return run();
    }),
  );
  return { repositories, calls };
}

/** Repositories in memory with an outage that a test switches on, for some methods or for all. */
export class FailingRepositories {
  readonly repositories: ProviderRepositories;
  #fails: (method: Method) => boolean = () => false;
  #failure: () => unknown = () => new StorageUnavailableError("The test switched the store off.");

  constructor(options: { readonly clock?: () => number } = {}) {
    this.repositories = createRepositories(<V>() => {
      const inner = new InMemoryRepository<string, V>(options);
      const failing = intercepted(inner, async (run, { method }) => {
        if (this.#fails(method)) throw this.#failure();
        return run();
      });
      const entries = () => {
        if (this.#fails("get")) throw this.#failure();
        return inner.entries();
      };
      return { ...failing, entries };
    });
  }

  /** Begins the outage. Default: of every method. */
  fail(...methods: Method[]): void {
    this.#fails = (method) => methods.length === 0 || methods.includes(method);
  }

  /** Begins an outage of every method, with a failure of the test's own. */
  failWith(failure: () => unknown): void {
    this.#failure = failure;
    this.fail();
  }

  /** Ends the outage. */
  recover(): void {
    this.#fails = () => false;
  }
}
