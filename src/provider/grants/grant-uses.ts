import { grantUseKey } from "../../records/keys.ts";
import { boundedCache } from "../../storage/bounded-cache.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";

/** A use is written once in so many seconds, so that a busy client costs a write an hour. */
const intervalSeconds = 60 * 60;

/** A use that the store did not take is written again after so many seconds, by the next request. */
const retrySeconds = 60;

/** How many grants this instance remembers the last use of. */
const maxGrants = 100_000;

/** Who sent a request, or what finds it out. */
type Caller = string | (() => string | undefined) | undefined;

/** What `GrantUses` needs. */
type GrantUsesParts = Pick<ProviderConfiguration, "grantUse" | "lifetimes" | "now" | "reporter" | "repositories">;

/**
 * Writes down when grants are used: beside the requests that use them, which neither wait for it nor fail by it. Where another
 * instance has written a use within the hour, this one does not.
 */
export class GrantUses {
  readonly #parts: GrantUsesParts;
  /** Until when nothing is to be written of a grant, in epoch seconds. */
  readonly #quietUntil = boundedCache<string, number>(maxGrants);
  readonly #underWay = new Set<Promise<void>>();

  constructor(parts: GrantUsesParts) {
    this.#parts = parts;
  }

  /**
   * Notes that a grant was used now. Returns at once, and never throws.
   *
   * @param grantId - Undefined for tokens of the Python package, which have no grant.
   * @param caller - Who sent the request: an address, where that is known, or what finds it out. That is asked at once, where
   * a network is to be written down, and not at all otherwise: later the connection may be gone.
   * @param now - In epoch seconds, of whoever knows the time already.
   */
  note(grantId: unknown, caller?: Caller, now: number = this.#parts.now()): void {
    if (typeof grantId !== "string" || !this.#parts.grantUse.isRecorded) return;
    // A look that does not count as a use: that would cost each verification more than looking.
    const quietUntil = this.#quietUntil.peek(grantId);
    // A clock that was set back must not silence anything for longer than the interval.
    if (quietUntil !== undefined && now < quietUntil && quietUntil <= now + intervalSeconds) return;
    this.#quietUntil.set(grantId, now + intervalSeconds);
    const writing = this.#write(grantId, now, caller).finally(() => this.#underWay.delete(writing));
    this.#underWay.add(writing);
  }

  /** Resolves once what was noted is written. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#underWay);
  }

  async #write(grantId: string, now: number, caller: Caller): Promise<void> {
    const { grantUse, lifetimes, reporter, repositories } = this.#parts;
    const key = grantUseKey(grantId);
    try {
      const address = grantUse.hasNetwork ? addressOf(caller) : undefined;
      const known = await repositories.grantUses.get(key);
      if (known !== undefined && known.usedAt > now - intervalSeconds) {
        this.#quietUntil.set(grantId, Math.min(known.usedAt, now) + intervalSeconds);
        return;
      }
      const network = address === undefined ? undefined : await networkOf(address);
      await repositories.grantUses.set(key, {
        usedAt: now,
        expiresAt: Math.ceil(now + lifetimes.grant),
        ...(network !== undefined && { network }),
      });
    } catch (failure) {
      this.#quietUntil.set(grantId, now + retrySeconds);
      reporter.failure(failure);
    }
  }
}

function addressOf(caller: Caller): string | undefined {
  return typeof caller === "function" ? caller() : caller;
}

/** What reads addresses is loaded by the first server that notes networks. */
async function networkOf(caller: string): Promise<string | undefined> {
  return (await import("../oauth/caller-address.ts")).networkOf(caller);
}
