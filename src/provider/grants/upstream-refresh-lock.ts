import { randomUUID } from "node:crypto";
import { UpstreamUnavailableError } from "../../errors.ts";
import { upstreamRefreshLockKey } from "../../records/keys.ts";
import type { Lock } from "../../records/lock.ts";
import type { Repository } from "../../storage/contract.ts";

/** A lock outlives the call that it is for by this long, in seconds. */
const lockMargin = 5;
/** A lock that ends sooner than this is left to end by itself, for clocks that differ, in seconds. */
const releaseMargin = 2;
/** How often somebody else's lock is looked at, in milliseconds. */
const pollInterval = 100;

/** What a lock is for: one version of one grant's upstream session. */
export interface LockedVersion {
  readonly grantId: string;
  /** The sealed session that is about to be replaced. */
  readonly sealed: string;
}

/**
 * Lets one instance refresh a version of a grant's upstream session: the upstream may take the second use of a refresh
 * token for theft and end the session. Each version has a lock of its own, so a lock that is left behind stops nobody who
 * has read a newer one.
 */
export class UpstreamRefreshLock {
  readonly #locks: Repository<string, Lock>;
  readonly #now: () => number;
  readonly #delay: (milliseconds: number) => Promise<void>;
  /** How long a lock lasts, in seconds. */
  readonly #lifetime: number;

  constructor(parts: {
    readonly locks: Repository<string, Lock>;
    /** The time in epoch seconds. */
    readonly now: () => number;
    readonly delay: (milliseconds: number) => Promise<void>;
    /** The longest time of the work, in milliseconds. */
    readonly workTimeout: number;
  }) {
    this.#locks = parts.locks;
    this.#now = parts.now;
    this.#delay = parts.delay;
    this.#lifetime = parts.workTimeout / 1000 + lockMargin;
  }

  /**
   * Does the work that others may be about to do as well, or gives back what they did.
   *
   * @param done - What somebody else has done meanwhile, if anything.
   * @throws {UpstreamUnavailableError} when another instance's lock does not end.
   * @throws {StorageError} when the store fails.
   */
  async once<T>(version: LockedVersion, done: () => Promise<T | undefined>, work: () => Promise<T>): Promise<T> {
    const key = upstreamRefreshLockKey(version.grantId, version.sealed);
    for (let waited = 0; waited <= 2 * this.#lifetime * 1000; waited += pollInterval) {
      const expiresAt = this.#now() + this.#lifetime;
      if (await this.#locks.add(key, { owner: randomUUID(), expiresAt })) {
        return this.#release({ key, expiresAt }, async () => (await done()) ?? work());
      }
      await this.#delay(pollInterval);
      const theirs = await done();
      if (theirs !== undefined) return theirs;
    }
    throw new UpstreamUnavailableError(
      "Another instance is refreshing the upstream token and does not come to an end.",
    );
  }

  /** Only the owner releases a lock, and only while nobody else can have it. One that stays ends by itself. */
  async #release<T>({ key, expiresAt }: { key: string; expiresAt: number }, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      if (this.#now() < expiresAt - releaseMargin) await this.#locks.delete(key).catch(() => false);
    }
  }
}
