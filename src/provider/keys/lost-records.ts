import { OAuthError, UnsealableError } from "../../errors.ts";
import type { ProviderRepositories } from "../../records/repositories.ts";
import { boundedCache } from "../../storage/bounded-cache.ts";
import { wrapped } from "../../storage/capabilities.ts";
import type { Repository } from "../../storage/contract.ts";
import { isFreshlyReadable } from "../../storage/fresh-read.ts";
import type { Reporter } from "../reporting/reporter.ts";
import type { KeyAnnouncements } from "./key-announcements.ts";

/** How many records of each key are told apart. */
const maxCounted = 10_000;

/** The kinds of record whose loss leads to a new login or registration, and to nothing worse. */
type LosableKind = "accessTokens" | "authorizationCodes" | "clients" | "grants" | "refreshTokens";

/**
 * Lets go of records that nobody can open any more: those that the store has sealed under a key that no instance of this
 * server announces. For whoever reads them they are absent, so that the client begins a new login in place of coming back
 * for as long as the record lives. A record that another instance can open stays an outage here.
 *
 * Kinds that refuse something by being there, such as the end of a consent, are read as ever: their loss must not allow
 * what they refuse.
 */
export class LostRecords {
  readonly #announcements: Pick<KeyAnnouncements, "explain">;
  readonly #met = new Map<string, ReturnType<typeof boundedCache<string, true>>>();

  readonly #reporter: Reporter;

  constructor(announcements: Pick<KeyAnnouncements, "explain">, reporter: Reporter) {
    this.#announcements = announcements;
    this.#reporter = reporter;
  }

  /** The same repositories, with lost records read as absent. */
  without(repositories: ProviderRepositories): ProviderRepositories {
    const { accessTokens, authorizationCodes, clients, grants, refreshTokens } = repositories;
    const losable: Pick<ProviderRepositories, LosableKind> = {
      accessTokens: this.#reading(accessTokens),
      authorizationCodes: this.#reading(authorizationCodes),
      clients: this.#reading(this.#replacing(clients)),
      grants: this.#reading(grants),
      refreshTokens: this.#reading(refreshTokens),
    };
    return { ...repositories, ...losable };
  }

  /** The repository, with lost records read as absent. */
  #reading<V>(repository: Repository<string, V>): Repository<string, V> {
    const reading = (read: (key: string) => Promise<V | undefined>) => async (key: string) => {
      try {
        return await read(key);
      } catch (failure) {
        await this.#requireLost(failure, key);
        return undefined;
      }
    };
    return Object.assign(
      wrapped(repository, (_method, call) => call()),
      { get: reading((key) => repository.get(key)) },
      isFreshlyReadable(repository) && { getFresh: reading((key) => repository.getFresh(key)) },
    );
  }

  /** A client that registers anew takes the place of its own lost registration: its id is the same. */
  #replacing<V>(repository: Repository<string, V>): Repository<string, V> {
    const add = async (key: string, value: V): Promise<boolean> => {
      try {
        if (await repository.add(key, value)) return true;
        await repository.get(key);
        return false;
      } catch (failure) {
        await this.#requireLost(failure, key);
        await repository.set(key, value);
        return true;
      }
    };
    return Object.assign(
      wrapped(repository, (_method, call) => call()),
      { add },
    );
  }

  /** @throws The failure, where it is about anything but a record that nobody can open any more. */
  async #requireLost(failure: unknown, key: string): Promise<void> {
    if (!(failure instanceof UnsealableError) || failure.keyId === undefined) throw failure;
    const explained = await this.#announcements.explain(failure);
    if (!(explained instanceof OAuthError && explained.error === "invalid_grant")) throw explained;
    this.#count(failure.keyId, key);
  }

  #count(keyId: string, key: string): void {
    const met = this.#met.get(keyId) ?? boundedCache<string, true>(maxCounted);
    this.#met.set(keyId, met);
    if (met.has(key)) return;
    met.set(key, true);
    this.#reporter.tell("key-lost", { keyId, records: met.size });
  }
}
