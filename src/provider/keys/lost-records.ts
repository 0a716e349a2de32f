import { ConfigurationError, OAuthError, UnreadableRecordsError, UnsealableError } from "../../errors.ts";
import {
  type ConsentRevocation,
  consentRevocationOf,
  revocationOfAnotherServer,
} from "../../records/consent-revocation.ts";
import { leaveOutForeign } from "../../records/foreign-records.ts";
import type { ProviderRepositories } from "../../records/repositories.ts";
import { boundedCache } from "../../storage/bounded-cache.ts";
import { wrapped } from "../../storage/capabilities.ts";
import type { Repository } from "../../storage/contract.ts";
import { isEnumerable } from "../../storage/enumerable.ts";
import { isFreshlyReadable } from "../../storage/fresh-read.ts";
import { hasIndexes } from "../../storage/indexed.ts";
import type { Reporter } from "../reporting/reporter.ts";
import type { KeyAnnouncements } from "./key-announcements.ts";

const suite = "The exported suite of tests finds such mistakes.";

/** How many records of each key are told apart. */
const maxCounted = 10_000;

/** Why a record is absent that is there: nobody can open it any more, or it is another server's. */
type Loss = "lost" | "another server's";

/** The kinds of record whose loss leads to a new login, a new registration or a new question, and to nothing worse. */
type LosableKind =
  | "accessTokens"
  | "authorizationCodes"
  | "clientAssertions"
  | "clients"
  | "accountSessions"
  | "consentRevocations"
  | "grants"
  | "locks"
  | "refreshTokens"
  | "upstreamRevocations"
  | "upstreamSessions";

/**
 * Lets go of records that nobody can open any more: those that the store has sealed under a key that no instance of this
 * server announces. For whoever reads them they are absent, so that the client begins a new login in place of coming back
 * for as long as the record lives. A record that another instance can open stays an outage here. A record that is not sealed,
 * in a store whose records are, was written before there were keys, or by somebody who forges records: it is not read either.
 *
 * A record that another server has sealed in the same store is absent too. It is never written over, and no listing counts it.
 *
 * Kinds that refuse something by being there must not allow it by being lost:
 * - The end of a consent reads as one of this moment. Whatever a browser remembers is older, so the person is asked again,
 *   and the answer counts from then on: the lost record is replaced. Another server's reads as younger than whatever is
 *   remembered, so the person is asked at each login, and the answer counts for that login.
 * - A used client assertion and the lock of a refresh are never read, only added. What is there stays in the way, opened or
 *   not, until it ends by itself, within minutes.
 *
 * An upstream session that was refreshed and is lost has a session in the grant that is older and spent. A grant that still
 * has one reads that session, and the upstream refuses it, which ends the login: the way out is a new login.
 */
export class LostRecords {
  readonly #announcements: Pick<KeyAnnouncements, "explain" | "holderOf">;
  readonly #met = new Map<string, ReturnType<typeof boundedCache<string, true>>>();
  readonly #plain = boundedCache<string, true>(maxCounted);
  readonly #reporter: Reporter;
  readonly #now: () => number;

  /** @param now - In epoch seconds. */
  constructor(announcements: Pick<KeyAnnouncements, "explain" | "holderOf">, reporter: Reporter, now: () => number) {
    this.#announcements = announcements;
    this.#reporter = reporter;
    this.#now = now;
  }

  /** The same repositories, with lost records read as absent. */
  without(repositories: ProviderRepositories): ProviderRepositories {
    const { accessTokens, authorizationCodes, clients, consentRevocations, grants, refreshTokens } = repositories;
    const { accountSessions, clientAssertions, locks, upstreamRevocations, upstreamSessions } = repositories;
    const losable: Pick<ProviderRepositories, LosableKind> = {
      accessTokens: this.#reading(accessTokens),
      accountSessions: this.#reading(accountSessions),
      authorizationCodes: this.#reading(authorizationCodes),
      clientAssertions: this.#adding(clientAssertions),
      clients: this.#reading(this.#replacing(clients)),
      consentRevocations: this.#reading(consentRevocations, (key, loss) =>
        this.#revoked(consentRevocations, key, loss),
      ),
      grants: this.#reading(grants),
      locks: this.#adding(locks),
      refreshTokens: this.#reading(refreshTokens),
      upstreamRevocations: this.#reading(upstreamRevocations),
      upstreamSessions: this.#reading(upstreamSessions),
    };
    return { ...repositories, ...losable };
  }

  /**
   * The repository, with lost records read as absent.
   *
   * @param replace - What a lost record is read as instead.
   */
  #reading<V>(
    repository: Repository<string, V>,
    replace: (key: string, loss: Loss) => Promise<V | undefined> = async () => undefined,
  ): Repository<string, V> {
    const reading = (read: (key: string) => Promise<V | undefined>) => async (key: string) => {
      let found: V | undefined;
      try {
        found = await read(key);
      } catch (failure) {
        return await replace(key, await this.#requireLost(failure, key));
      }
      if (found === undefined || (typeof found === "object" && found !== null)) return found;
      throw new ConfigurationError(
        found === null
          ? `A repository answers null where it has no record: its get and take have to answer undefined. ${suite}`
          : `A repository answers a ${typeof found} where a record should be: its get has to answer the record, or undefined. ${suite}`,
      );
    };
    return Object.assign(
      this.#listing(repository),
      { add: this.#addingBy(repository) },
      { get: reading((key) => repository.get(key)) },
      isFreshlyReadable(repository) && { getFresh: reading((key) => repository.getFresh(key)) },
    );
  }

  /** The repository, whose listings say nothing of what another server keeps there. */
  #listing<V>(repository: Repository<string, V>): Repository<string, V> {
    return Object.assign(
      wrapped(repository, (_method, call) => call()),
      isEnumerable(repository) && { entries: () => this.#withoutForeign(repository.entries()) },
      hasIndexes(repository) && {
        entriesBy: (index: string, value: string) => this.#withoutForeign(repository.entriesBy(index, value)),
      },
    );
  }

  async *#withoutForeign<T>(listing: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    try {
      yield* listing;
    } catch (failure) {
      if (!(failure instanceof UnreadableRecordsError)) throw failure;
      await leaveOutForeign(failure, (keyId) => this.#announcements.holderOf(keyId));
    }
  }

  /**
   * The end of a consent, as of this moment. It takes the place of the lost one: the person's next answer is younger. Another
   * server's is left alone, and what stands for it is the same at each read: only so does an answer to it ever count.
   */
  async #revoked(
    repository: Repository<string, ConsentRevocation>,
    key: string,
    loss: Loss,
  ): Promise<ConsentRevocation> {
    if (loss === "another server's") return revocationOfAnotherServer;
    const revocation = consentRevocationOf(this.#now(), undefined);
    await repository.set(key, revocation);
    return revocation;
  }

  /** What adds to a repository, and does not take any other answer for a yes or a no: a no would blame the client. */
  #addingBy<V>(repository: Repository<string, V>): Repository<string, V>["add"] {
    return async (key, value) => {
      const added: unknown = await repository.add(key, value);
      if (typeof added === "boolean") return added;
      throw new ConfigurationError(`The add of a repository has to answer true or false. ${suite}`);
    };
  }

  /** A lost record is in the way of a new one until it ends by itself. */
  #adding<V>(repository: Repository<string, V>): Repository<string, V> {
    const addTo = this.#addingBy(repository);
    const add = async (key: string, value: V): Promise<boolean> => {
      try {
        return await addTo(key, value);
      } catch (failure) {
        await this.#requireLost(failure, key);
        return false;
      }
    };
    return Object.assign(
      wrapped(repository, (_method, call) => call()),
      { add },
    );
  }

  /** A client that registers anew takes the place of its own lost registration: its id is the same. */
  #replacing<V>(repository: Repository<string, V>): Repository<string, V> {
    const addTo = this.#addingBy(repository);
    const add = async (key: string, value: V): Promise<boolean> => {
      try {
        if (await addTo(key, value)) return true;
        await repository.get(key);
        return false;
      } catch (failure) {
        if ((await this.#requireLost(failure, key)) === "another server's") throw failure;
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
  async #requireLost(failure: unknown, key: string): Promise<Loss> {
    if (!(failure instanceof UnsealableError)) throw failure;
    if (failure.isPlain) {
      this.#countPlain(key);
      return "lost";
    }
    if (failure.keyId === undefined) throw failure;
    if ((await this.#announcements.holderOf(failure.keyId)) === "another server") return "another server's";
    const explained = await this.#announcements.explain(failure);
    if (!(explained instanceof OAuthError && explained.error === "invalid_grant")) throw explained;
    this.#count(failure.keyId, key);
    return "lost";
  }

  #countPlain(key: string): void {
    if (this.#plain.has(key)) return;
    this.#plain.set(key, true);
    this.#reporter.tell("plain-records", { records: this.#plain.size });
  }

  #count(keyId: string, key: string): void {
    const met = this.#met.get(keyId) ?? boundedCache<string, true>(maxCounted);
    this.#met.set(keyId, met);
    if (met.has(key)) return;
    met.set(key, true);
    this.#reporter.tell("key-lost", { keyId, records: met.size });
  }
}
