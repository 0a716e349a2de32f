import { randomUUID } from "node:crypto";
import { UpstreamUnavailableError } from "../../errors.ts";
import { upstreamRefreshLockKey } from "../../records/keys.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";

/**
 * How long a lock holds beyond the call that it is for, in seconds. It has to hold until a session that the store did not
 * take at first has been stored: whoever refreshes the old session meanwhile ends it. What was stored is a new version, so
 * this keeps nobody waiting but for a process that was killed.
 */
const lockMargin = 300;
/** How long somebody else's lock is waited for beyond the call that it is for, in seconds. */
const longestWait = 5;
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

/** What `UpstreamRefreshLock` needs. */
type LockParts = Pick<ProviderConfiguration, "delay" | "now" | "repositories" | "upstreams">;

/**
 * Lets one instance refresh a version of a grant's upstream session: the upstream may take the second use of a refresh
 * token for theft and end the session. Each version has a lock of its own, so a lock that is left behind stops nobody who
 * has read a newer one.
 */
export class UpstreamRefreshLock {
  readonly #parts: LockParts;
  /** The longest time of the work, in seconds. */
  readonly #workTime: number;

  constructor(parts: LockParts) {
    this.#parts = parts;
    this.#workTime = parts.upstreams.timeout / 1000;
  }

  /**
   * Does the work that others may be about to do as well, or gives back what they did.
   *
   * @param done - What somebody else has done meanwhile, if anything.
   * @param work - Replaces the version, unless it says that the version stays as it was. It calls its parameter as soon as
   * the version is over, for whatever may fail after that.
   * @throws {UpstreamUnavailableError} when another instance's lock does not end.
   * @throws {StorageError} when the store fails.
   */
  async once<T>(
    version: LockedVersion,
    done: () => Promise<T | undefined>,
    work: (noteReplaced: () => void) => Promise<{ readonly value: T; readonly isReplaced: boolean }>,
  ): Promise<T> {
    const key = upstreamRefreshLockKey(version.grantId, version.sealed);
    const { delay, now, repositories } = this.#parts;
    for (let waited = 0; waited <= (this.#workTime + longestWait) * 1000; waited += pollInterval) {
      const expiresAt = now() + this.#workTime + lockMargin;
      const isOurs = await repositories.locks.add(key, { owner: randomUUID(), expiresAt });
      if (!isOurs) await delay(pollInterval);
      let isReplaced = false;
      try {
        const theirs = await done();
        isReplaced = theirs !== undefined;
        if (theirs !== undefined) return theirs;
        if (!isOurs) continue;
        const result = await work(() => {
          isReplaced = true;
        });
        isReplaced = result.isReplaced;
        return result.value;
      } finally {
        // The lock of a version that was replaced is left to end by itself. Any other is released, by its owner only, and
        // only while nobody else can have it.
        const isReleased = isOurs && !isReplaced && now() < expiresAt - releaseMargin;
        if (isReleased) await repositories.locks.delete(key).catch(() => false);
      }
    }
    throw new UpstreamUnavailableError(
      "Another instance is refreshing the upstream token and does not come to an end.",
    );
  }
}
