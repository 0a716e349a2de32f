import { randomUUID } from "node:crypto";
import { UpstreamUnavailableError } from "../../errors.ts";
import type { Grant } from "../../records/grant.ts";
import { upstreamRefreshLockKey } from "../../records/keys.ts";
import type { Repository } from "../../storage/contract.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";

/** A claim outlives its instance by this long at the most, beyond the deadline of the call that it is for, in seconds. */
const claimMargin = 5;
/** How long a claim is left to settle before it is believed, in milliseconds; twice the write where that took longer. */
const settleTime = 100;
/** How often somebody else's claim is looked at, in milliseconds. */
const pollInterval = 100;

/**
 * Lets one instance at a time refresh a grant's upstream tokens: Pangea AuthN may take the second use of a refresh token
 * for theft and end the session.
 *
 * The contract has no "set if absent", so this is Fischer's algorithm: write a claim where there is none, wait for longer
 * than a write takes, and go ahead if the claim is still one's own. It holds as long as a write that another instance has
 * begun lands within that time.
 */
export class RefreshClaims {
  readonly #configuration: ProviderConfiguration;
  readonly #grants: Repository<string, Grant>;

  constructor(configuration: ProviderConfiguration) {
    this.#configuration = configuration;
    this.#grants = configuration.repositories.grants;
  }

  /**
   * Does the work that others may be about to do as well, or gives back what they did.
   *
   * @param done - What somebody else has done meanwhile, if anything.
   * @throws `UpstreamUnavailableError` where another instance's claim does not end; `StorageError` when the store fails.
   */
  async once<T>(grantId: string, done: () => Promise<T | undefined>, work: () => Promise<T>): Promise<T> {
    const key = upstreamRefreshLockKey(grantId);
    const { delay } = this.#configuration;
    const lifetime = this.#configuration.upstream.timeout / 1000 + claimMargin;
    for (let waited = 0; waited <= 2 * lifetime * 1000; waited += pollInterval) {
      const theirs = await done();
      if (theirs !== undefined) return theirs;
      if ((await this.#grants.get(key)) !== undefined) await delay(pollInterval);
      else if (await this.#claim(key, lifetime)) return this.#release(key, async () => (await done()) ?? work());
    }
    throw new UpstreamUnavailableError("Another instance is refreshing the Pangea token and does not come to an end.");
  }

  async #claim(key: string, lifetime: number): Promise<boolean> {
    const { clock, delay } = this.#configuration;
    const claimedBy = randomUUID();
    const began = clock();
    const now = began / 1000;
    const claim = { clientId: "", scopes: [], createdAt: now, expiresAt: now + lifetime, tokens: [], claimedBy };
    await this.#grants.set(key, claim);
    await delay(Math.max(settleTime, 2 * (clock() - began)));
    return (await this.#grants.get(key))?.claimedBy === claimedBy;
  }

  async #release<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } finally {
      // One that stays ends by itself.
      await this.#grants.delete(key).catch(() => false);
    }
  }
}
