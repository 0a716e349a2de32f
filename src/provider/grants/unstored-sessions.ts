import { LRUCache } from "lru-cache";

const maxUnstored = 10_000;

/** A session that was refreshed, sealed, and what the store held before. */
interface Unstored {
  readonly before: string;
  readonly sealed: string;
}

/**
 * Refreshed upstream sessions that the store did not take. The upstream may not take the old ones again, so the refreshed
 * ones are kept here until a later request has stored them.
 *
 * The rule: a session that is kept here replaces the stored one while the stored one is still the one that it was made
 * from. Once the store holds another, somebody else has gone on with the login, and what is here is forgotten.
 */
export class UnstoredSessions {
  readonly #sessions = new LRUCache<string, Unstored>({ max: maxUnstored });

  /** Keeps a session that the store did not take; `before` is what the store held. */
  keep(grantId: string, before: string, sealed: string): void {
    const earlier = this.#sessions.get(grantId);
    this.#sessions.set(grantId, { before: earlier?.sealed === before ? earlier.before : before, sealed });
  }

  /** The session that goes in place of the stored one, if there is one. */
  inPlaceOf(grantId: string, stored: string): string | undefined {
    const unstored = this.#sessions.get(grantId);
    if (unstored?.before === stored) return unstored.sealed;
    this.#sessions.delete(grantId);
    return undefined;
  }

  forget(grantId: string): void {
    this.#sessions.delete(grantId);
  }
}
