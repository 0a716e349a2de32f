import type { UnreadableRecordsError } from "../errors.ts";
import { isUnreadable, UnreadableRecords } from "../storage/unreadable-records.ts";
import { storeAnnouncementKey } from "./keys.ts";
import type { ProviderRepositories } from "./repositories.ts";

/**
 * Who has a key: an instance of this server, a server of another issuer that keeps its records in the same store, or nobody
 * any more.
 */
export type KeyHolder = "this server" | "another server" | "nobody";

/** Says who has a key. */
type HolderOf = (keyId: string) => Promise<KeyHolder>;

/** The name of the method by which repositories get to know whose the keys in their store are. */
export const askHolders: unique symbol = Symbol("askHolders");

/** Repositories that do something about every record of the store, others' included. */
export interface AsksHolders {
  [askHolders](holderOf: HolderOf): void;
}

/** Lets repositories know whose the keys in their store are. Those that need not know stay as they are. */
export function giveHolders(repositories: object, holderOf: HolderOf): void {
  if (asksHolders(repositories)) repositories[askHolders](holderOf);
}

function asksHolders(repositories: object): repositories is AsksHolders {
  return askHolders in repositories && typeof repositories[askHolders] === "function";
}

/**
 * Makes nothing of records that could not be read since another server has sealed them.
 *
 * @throws {UnreadableRecordsError} when there are others.
 */
export async function leaveOutForeign(failure: UnreadableRecordsError, holderOf: HolderOf): Promise<void> {
  // Where the records were not counted by their key, nobody can say what is left without the other server's.
  if (failure.countByKeyId === undefined) throw failure;
  const foreign = new Set<string>();
  for (const keyId of failure.keyIds) if ((await holderOf(keyId)) === "another server") foreign.add(keyId);
  if (foreign.size === 0) throw failure;
  const rest = new UnreadableRecords();
  rest.addAllBut(failure, foreign);
  rest.throwIfAny();
}

/**
 * Whose the keys in a store are, for whoever uses the store. Where a provider uses it, the provider says so, and tells its
 * listeners of another server. A program that has no provider goes by the announcements: what a key has sealed that somebody
 * else has announced is left to whoever has that key, and a warning says so. A program whose own keys nobody has announced
 * may have the wrong ones, so nothing counts as another's there.
 */
export class StoreHolders {
  readonly #announcements: Pick<ProviderRepositories["keyAnnouncements"], "get">;
  readonly #ownKeyIds: readonly string[];
  readonly #given = new Set<HolderOf>();
  readonly #told = new Set<string>();

  constructor(announcements: Pick<ProviderRepositories["keyAnnouncements"], "get">, ownKeyIds: readonly string[]) {
    this.#announcements = announcements;
    this.#ownKeyIds = ownKeyIds;
  }

  /** Goes by a provider's word from now on. */
  add(holderOf: HolderOf): void {
    this.#given.add(holderOf);
  }

  /**
   * Who has a key.
   *
   * @throws {StorageError} when the store fails.
   */
  readonly holderOf: HolderOf = async (keyId) => {
    let holder: KeyHolder | undefined;
    // Two servers may have been given the same repositories: it is another's where neither has it.
    for (const holderOf of this.#given) {
      const one = await holderOf(keyId);
      if (one !== "another server") return one;
      holder = one;
    }
    return holder ?? this.#byAnnouncements(keyId);
  };

  async #byAnnouncements(keyId: string): Promise<KeyHolder> {
    for (const own of this.#ownKeyIds) {
      if (!(await this.#isAnnounced(own))) continue;
      if (!(await this.#isAnnounced(keyId))) return "nobody";
      if (!this.#told.has(keyId)) process.emitWarning(warningOf(keyId), { code: "PANGEA_FOREIGN_RECORDS" });
      this.#told.add(keyId);
      return "another server";
    }
    return "nobody";
  }

  async #isAnnounced(keyId: string): Promise<boolean> {
    try {
      return (await this.#announcements.get(storeAnnouncementKey(keyId))) !== undefined;
    } catch (failure) {
      // Whoever has announced the key has sealed that with a key of their own.
      if (isUnreadable(failure)) return true;
      throw failure;
    }
  }
}

function warningOf(keyId: string): string {
  return `The store has records under the key ${keyId}, which another server, or another instance of this one, has announced. They were left alone, for whoever has the key. Give each server a namespace of its own.`;
}
