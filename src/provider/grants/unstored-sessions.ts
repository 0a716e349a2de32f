import { boundedCache } from "../../storage/bounded-cache.ts";
import type { GrantKey } from "./grant-key.ts";

const maxUnstored = 10_000;
/** How long after a failure a session is stored again, in seconds. */
const pauseSeconds = 5;

/** A session that was refreshed, sealed, and what the store held before. */
export interface Unstored {
  readonly before: string;
  readonly sealed: string;
  /** When its grant ends, in epoch seconds. */
  readonly expiresAt: number;
  /** Opens the session, should it have to be ended. */
  readonly key: GrantKey;
}

/**
 * Refreshed upstream sessions that the store did not take. The upstream may not take the old ones again, so the refreshed
 * ones are kept here until a later request has stored them.
 *
 * The rule: a session that is kept here replaces the stored one while the stored one is still the one that it was made
 * from. Once the store holds another, somebody else has gone on with the login, and what is here is forgotten.
 */
export class UnstoredSessions {
  readonly #sessions = boundedCache<string, Unstored & { readonly due: number }>(maxUnstored);

  /** Keeps a session that the store did not take. `now` is in epoch seconds; without it the session is due at once. */
  keep(grantId: string, unstored: Unstored, now = Number.NEGATIVE_INFINITY): void {
    const earlier = this.#sessions.get(grantId);
    const before = earlier?.sealed === unstored.before ? earlier.before : unstored.before;
    this.#sessions.set(grantId, { ...unstored, before, due: now + pauseSeconds });
  }

  /** The session that goes in place of the stored one, if there is one. */
  inPlaceOf(grantId: string, stored: string): string | undefined {
    const unstored = this.#sessions.get(grantId);
    if (unstored?.before === stored) return unstored.sealed;
    this.#sessions.delete(grantId);
    return undefined;
  }

  /** The sessions that are to be stored now. They are not kept here any more. */
  takeDue(now: number): [string, Unstored][] {
    if (this.#sessions.size === 0) return [];
    const due = [...this.#sessions.entries()].filter(([, unstored]) => unstored.due <= now);
    for (const [grantId] of due) this.#sessions.delete(grantId);
    return due;
  }

  forget(grantId: string): void {
    this.#sessions.delete(grantId);
  }
}
