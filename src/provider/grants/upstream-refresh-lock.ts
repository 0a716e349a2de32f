import { randomUUID } from "node:crypto";
import { StorageFailure, UpstreamUnavailableError } from "../../errors.ts";
import { upstreamRefreshLockKey } from "../../records/keys.ts";
import type { Lock } from "../../records/lock.ts";
import { boundedCache } from "../../storage/bounded-cache.ts";
import { getFresh } from "../../storage/fresh-read.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";

/**
 * How long a lock is certainly its holder's beyond the call that it is for, in seconds. It has to hold until a session that the
 * store did not take at first has been stored: whoever refreshes the old session meanwhile ends it. What was stored is a new
 * version, so this keeps nobody waiting but for a process that was killed. By as much as clocks may be apart, it holds for
 * longer.
 */
const lockMargin = 180;
/** How long somebody else's lock is waited for beyond the call that it is for, in seconds. */
const longestWait = 5;
/** How often somebody else's lock is looked at, in milliseconds. */
const pollInterval = 100;
/** Of how many locks this instance remembers that it may have them, though the store did not say so. */
const maxDoubtful = 1_000;

/** What a lock is for: one version of one grant's upstream session. */
export interface LockedVersion {
  readonly grantId: string;
  /** The sealed session that is about to be replaced. */
  readonly sealed: string;
}

/** A lock as its holder knows it. */
interface Held {
  readonly owner: string;
  /** When the lock was asked for, in milliseconds that no clock changes. */
  readonly since: number;
}

/** What `UpstreamRefreshLock` needs. */
type LockParts = Pick<
  ProviderConfiguration,
  "delay" | "elapsed" | "instanceClockTolerance" | "now" | "repositories" | "upstreams"
>;

/**
 * Lets one instance refresh a version of a grant's upstream session: the upstream may take the second use of a refresh
 * token for theft and end the session. Each version has a lock of its own, so a lock that is left behind stops nobody who
 * has read a newer one.
 *
 * A holder measures by the time that has gone by, whatever its clock says: a process may be suspended at any moment, and its
 * lock is another's by then.
 */
export class UpstreamRefreshLock {
  readonly #parts: LockParts;
  /** The longest time of the work, in seconds. */
  readonly #workTime: number;
  /** Locks of which the store did not say whether they were taken, by their key. */
  readonly #doubtful = boundedCache<string, Held>(maxDoubtful);

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
   * @throws {UpstreamUnavailableError} when another instance's lock does not end, or this one's may be over already.
   * @throws {StorageError} when the store fails.
   */
  async once<T>(
    version: LockedVersion,
    done: () => Promise<T | undefined>,
    work: (noteReplaced: () => void) => Promise<{ readonly value: T; readonly isReplaced: boolean }>,
  ): Promise<T> {
    const key = upstreamRefreshLockKey(version.grantId, version.sealed);
    const { delay } = this.#parts;
    for (let waited = 0; waited <= (this.#workTime + longestWait) * 1000; waited += pollInterval) {
      const held = await this.#take(key);
      if (held === undefined) await delay(pollInterval);
      let isReplaced = false;
      try {
        const theirs = await done();
        isReplaced = theirs !== undefined;
        if (theirs !== undefined) return theirs;
        if (held === undefined) continue;
        // Whoever was suspended since may find that another instance has the lock, and has done the work.
        if (!this.#isCertain(held, this.#workTime)) throw tookTooLong();
        const result = await work(() => {
          isReplaced = true;
        });
        isReplaced = result.isReplaced;
        return result.value;
      } finally {
        // The lock of a version that was replaced is left to end by itself.
        if (held !== undefined && !isReplaced) await this.#release(key, held).catch(() => undefined);
      }
    }
    throw new UpstreamUnavailableError(
      "Another instance is refreshing the upstream token and does not come to an end.",
    );
  }

  /**
   * Takes the lock, unless somebody else has it. Where the store's answer is lost, the owner that is there says whose the lock
   * is. Where even that cannot be read, or the lock may yet come, this instance knows its own lock again the next time.
   */
  async #take(key: string): Promise<Held | undefined> {
    const { elapsed, instanceClockTolerance, now, repositories } = this.#parts;
    const asked = { owner: randomUUID(), since: elapsed() };
    const expiresAt = now() + this.#workTime + lockMargin + instanceClockTolerance;
    try {
      if (await repositories.locks.add(key, { owner: asked.owner, expiresAt })) return asked;
    } catch (failure) {
      if (!(failure instanceof StorageFailure && failure.effect === "unknown")) throw failure;
      this.#doubtful.set(key, asked);
      const there = await this.#read(key);
      if (there === undefined) throw failure;
    }
    const doubtful = this.#doubtful.get(key);
    if (doubtful === undefined) return undefined;
    const isOurs = (await this.#read(key))?.owner === doubtful.owner;
    return isOurs ? doubtful : undefined;
  }

  /** Releases a lock: by its owner only, and only while nobody else can have it. Else it is left to end by itself. */
  async #release(key: string, held: Held): Promise<void> {
    if (!this.#isCertain(held) || (await this.#read(key))?.owner !== held.owner || !this.#isCertain(held)) return;
    await this.#parts.repositories.locks.delete(key);
    // A lock that was in doubt before this one was taken may come yet, and this instance has to know it then.
    if (this.#doubtful.get(key)?.owner === held.owner) this.#doubtful.delete(key);
  }

  #read(key: string): Promise<Lock | undefined> {
    return getFresh(this.#parts.repositories.locks, key);
  }

  /** Whether a lock is its holder's yet, and for so many seconds more, whatever the clocks of others say. */
  #isCertain({ since }: Held, secondsMore = 0): boolean {
    return this.#parts.elapsed() - since < (this.#workTime + lockMargin - secondsMore) * 1000;
  }
}

function tookTooLong(): UpstreamUnavailableError {
  return new UpstreamUnavailableError("The upstream token was not refreshed in time; try again.");
}
