import { StorageRejectedError } from "../../errors.ts";
import type { VaultCalls } from "./vault-calls.ts";
import { VaultItemNotFoundError } from "./vault-failure.ts";
import type { VaultSecret } from "./vault-service.ts";

/** Vault's limit for one page. */
const pageSize = 100;
/** Enough to see that a name is there more than once. */
const namesakes = 10;
const parallelLookups = 16;

/** Every secret of a name, the newest first. There is more than one only where Vault lets names repeat. */
export type Namesakes = readonly VaultSecret[];

/**
 * Finds secrets by name. Look-ups of one microtask turn go out together: `name__in`, a hundred names a page. That
 * filter is in Pangea's types but was never seen at work, so until it has found something its silence is checked by
 * single look-ups, and where it is refused or ignored it is not used again.
 */
export class SecretLookup {
  readonly #calls: VaultCalls;
  readonly #folder: string | undefined;
  #waiting = new Map<string, PromiseWithResolvers<Namesakes>>();
  #nameIn: "untried" | "works" | "unsupported" = "untried";

  constructor(calls: VaultCalls, folder: string | undefined) {
    this.#calls = calls;
    this.#folder = folder;
  }

  /** The secrets of a name, together with whatever else is looked up in this turn. */
  find(name: string): Promise<Namesakes> {
    const known = this.#waiting.get(name);
    if (known !== undefined) return known.promise;
    if (this.#waiting.size === 0) queueMicrotask(() => this.#send());
    const found = withResolvers<Namesakes>();
    this.#waiting.set(name, found);
    return found.promise;
  }

  /** The secrets of a name, by a call of its own. */
  async findOne(name: string): Promise<Namesakes> {
    const { secrets } = await this.#calls.search({ filter: this.#filter({ name }), size: namesakes });
    return newestFirst(secrets.filter((secret) => secret.name === name));
  }

  /** Every secret of the folder, page by page. */
  async *all(): AsyncGenerator<VaultSecret, void, undefined> {
    let last: string | undefined;
    do {
      const page = await this.#calls.search({
        filter: this.#filter({}),
        size: pageSize,
        ...(last !== undefined && { last }),
      });
      yield* page.secrets;
      last = page.last;
    } while (last !== undefined);
  }

  #send(): void {
    const waiting = this.#waiting;
    this.#waiting = new Map();
    const [first] = waiting;
    if (first !== undefined && waiting.size === 1) {
      const [name, found] = first;
      this.findOne(name).then(found.resolve, found.reject);
      return;
    }
    const names = [...waiting.keys()];
    for (let start = 0; start < names.length; start += pageSize) {
      const page = names.slice(start, start + pageSize);
      this.#findPage(page).then(
        (byName) => {
          for (const name of page) waiting.get(name)?.resolve(byName.get(name) ?? []);
        },
        (failure: unknown) => {
          for (const name of page) waiting.get(name)?.reject(failure);
        },
      );
    }
  }

  async #findPage(names: readonly string[]): Promise<Map<string, Namesakes>> {
    if (this.#nameIn === "unsupported") return this.#findEach(names);
    let found: VaultSecret[];
    try {
      found = await this.#searchNames(names);
    } catch (failure) {
      if (!(failure instanceof StorageRejectedError) || failure instanceof VaultItemNotFoundError) throw failure;
      // Once it has worked, one refusal is about these names and says nothing of the filter.
      if (this.#nameIn !== "works") this.#nameIn = "unsupported";
      return this.#findEach(names);
    }
    const wanted = new Set(names);
    if (found.some((secret) => !wanted.has(secret.name))) {
      this.#nameIn = "unsupported";
      return this.#findEach(names);
    }
    if (found.length > 0) this.#nameIn = "works";
    else if (this.#nameIn === "untried") return this.#findEach(names);
    return groupByName(found);
  }

  async #searchNames(names: readonly string[]): Promise<VaultSecret[]> {
    const found: VaultSecret[] = [];
    let last: string | undefined;
    do {
      const page = await this.#calls.search({
        filter: this.#filter({ name__in: [...names] }),
        size: pageSize,
        ...(last !== undefined && { last }),
      });
      found.push(...page.secrets);
      // A full page of exactly these names needs no look at the next.
      last = found.length > names.length * namesakes || coversAll(found, names) ? undefined : page.last;
    } while (last !== undefined);
    return found;
  }

  async #findEach(names: readonly string[]): Promise<Map<string, Namesakes>> {
    const byName = new Map<string, Namesakes>();
    const rest = [...names];
    const work = async (): Promise<void> => {
      for (let name = rest.pop(); name !== undefined; name = rest.pop()) byName.set(name, await this.findOne(name));
    };
    await Promise.all(Array.from({ length: Math.min(parallelLookups, names.length) }, work));
    return byName;
  }

  #filter(more: Record<string, string | string[]>): Record<string, string | string[]> {
    return { type: "secret", ...(this.#folder !== undefined && { folder: this.#folder }), ...more };
  }
}

function coversAll(found: readonly VaultSecret[], names: readonly string[]): boolean {
  return new Set(found.map((secret) => secret.name)).size >= names.length;
}

function groupByName(secrets: readonly VaultSecret[]): Map<string, Namesakes> {
  const byName = new Map<string, VaultSecret[]>();
  for (const secret of secrets) {
    const namesakesOf = byName.get(secret.name);
    if (namesakesOf === undefined) byName.set(secret.name, [secret]);
    else namesakesOf.push(secret);
  }
  return new Map([...byName].map(([name, group]) => [name, newestFirst(group)]));
}

/** Sorts secrets of one name. */
export function newestFirst(secrets: readonly VaultSecret[]): Namesakes {
  return [...secrets].sort((one, other) =>
    one.writtenAt === other.writtenAt ? compare(other.id, one.id) : compare(other.writtenAt, one.writtenAt),
  );
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

/** `Promise.withResolvers`, which Node 20 lacks. */
function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}
