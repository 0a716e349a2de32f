import { StorageRejectedError } from "../../errors.ts";
import { groupByName, type Namesakes, oldestFirst } from "./namesakes.ts";
import type { VaultCalls } from "./vault-calls.ts";
import { VaultItemNotFoundError } from "./vault-failure.ts";
import type { VaultSecret } from "./vault-service.ts";

/** Vault's limit for one page. */
const pageSize = 100;
const parallelLookups = 16;

/** Names that are looked up together, and what will have been found. */
interface Batch {
  readonly names: Set<string>;
  readonly found: Promise<ReadonlyMap<string, Namesakes>>;
}

/**
 * Finds secrets by name. Look-ups of one turn of the event loop go out together: `name__in`, a hundred names a page. That
 * filter is in Pangea's types but was never seen at work, so until it has found something its silence is checked by
 * single look-ups, and where it is refused or ignored it is not used again.
 */
export class SecretLookup {
  readonly #calls: VaultCalls;
  readonly #everything: Readonly<Record<string, string>>;
  #batch: Batch | undefined;
  #nameIn: "untried" | "works" | "unsupported" = "untried";

  constructor(calls: VaultCalls, folder: string | undefined) {
    this.#calls = calls;
    this.#everything = { type: "secret", ...(folder !== undefined && { folder }) };
  }

  /** The secrets of a name, together with whatever else is looked up in this turn of the event loop. */
  async find(name: string): Promise<Namesakes> {
    const batch = this.#batch ?? this.#openBatch();
    batch.names.add(name);
    if (batch.names.size === pageSize) this.#batch = undefined;
    return (await batch.found).get(name) ?? [];
  }

  /** The secrets of a name, by a call of its own. */
  async findOne(name: string): Promise<Namesakes> {
    const found: VaultSecret[] = [];
    for await (const secret of this.#search({ name })) if (secret.name === name) found.push(secret);
    return oldestFirst(found);
  }

  /** Every secret of the folder, page by page. */
  all(): AsyncGenerator<VaultSecret, void, undefined> {
    return this.#search({});
  }

  /** The secrets of the folder with this metadata. Read to the end before any is given: what changes meanwhile moves pages. */
  async withMetadata(metadata: Readonly<Record<string, string>>): Promise<VaultSecret[]> {
    const members = Object.entries(metadata).map(([member, value]) => [`metadata_${member}`, value]);
    const found: VaultSecret[] = [];
    for await (const secret of this.#search(Object.fromEntries(members))) found.push(secret);
    return found;
  }

  #openBatch(): Batch {
    const names = new Set<string>();
    const found = new Promise((resolve) => setImmediate(resolve)).then(() => {
      if (this.#batch?.names === names) this.#batch = undefined;
      return this.#findAll(names);
    });
    this.#batch = { names, found };
    return this.#batch;
  }

  async #findAll(names: ReadonlySet<string>): Promise<ReadonlyMap<string, Namesakes>> {
    const found = names.size > 1 && this.#nameIn !== "unsupported" ? await this.#findTogether(names) : undefined;
    if (found !== undefined) return groupByName(found);
    const byName = new Map<string, Namesakes>();
    // The workers share one iterator, so that each name is looked up by one of them.
    const rest = names.values();
    const work = async (): Promise<void> => {
      for (const name of rest) byName.set(name, await this.findOne(name));
    };
    await Promise.all(Array.from({ length: Math.min(parallelLookups, names.size) }, work));
    return byName;
  }

  /** Undefined where `name__in` says nothing of these names. */
  async #findTogether(names: ReadonlySet<string>): Promise<VaultSecret[] | undefined> {
    const found: VaultSecret[] = [];
    try {
      for await (const secret of this.#search({ name__in: [...names] })) {
        if (!names.has(secret.name)) {
          this.#nameIn = "unsupported";
          return undefined;
        }
        found.push(secret);
      }
    } catch (failure) {
      if (!(failure instanceof StorageRejectedError) || failure instanceof VaultItemNotFoundError) throw failure;
      // Once it has worked, one refusal is about these names and says nothing of the filter.
      if (this.#nameIn !== "works") this.#nameIn = "unsupported";
      return undefined;
    }
    if (found.length > 0) this.#nameIn = "works";
    return this.#nameIn === "works" ? found : undefined;
  }

  async *#search(filter: Record<string, string | string[]>): AsyncGenerator<VaultSecret, void, undefined> {
    let last: string | undefined;
    do {
      const page = await this.#calls.search({
        filter: { ...this.#everything, ...filter },
        size: pageSize,
        ...(last !== undefined && { last }),
      });
      yield* page.secrets;
      last = page.last;
    } while (last !== undefined);
  }
}
