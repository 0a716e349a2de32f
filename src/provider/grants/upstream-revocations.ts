import { UnsealableError } from "../../errors.ts";
import { PangeaAccessTokenSchema } from "../../records/pangea-access-token.ts";
import type { UpstreamRevocation } from "../../records/upstream-revocation.ts";
import { SealedJson } from "../../secrets/sealed-json.ts";
import { boundedCache } from "../../storage/bounded-cache.ts";
import { isEnumerable } from "../../storage/enumerable.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { reportFailure } from "../oauth-failure.ts";
import type { UpstreamTokens } from "../upstream/contract.ts";

/** How many sessions this instance remembers that it could not end yet. */
const maxRemembered = 10_000;
/** How long after a failure the upstream is told again, in seconds. Each failure doubles it. */
const firstPauseSeconds = 10;
const longestPauseSeconds = 600;

/** When the upstream is told again, in epoch seconds, and how long after that if it fails. */
interface NextAttempt {
  readonly due: number;
  readonly pauseSeconds: number;
}

/** What `UpstreamRevocations` needs. */
type RevocationParts = Pick<ProviderConfiguration, "keys" | "now" | "repositories" | "upstream">;

/**
 * Tells the upstream that a session is over. What the upstream could not be told is kept, sealed under the configured
 * secret, and told again: by this instance as requests come, or by any instance that goes through all of it.
 */
export class UpstreamRevocations {
  readonly #parts: RevocationParts;
  readonly #tokens: SealedJson<UpstreamTokens>;
  readonly #attempts = boundedCache<string, NextAttempt>(maxRemembered);
  #underWay: Promise<void> | undefined;

  constructor(parts: RevocationParts) {
    this.#parts = parts;
    this.#tokens = new SealedJson(parts.keys.derive("upstream revocation"), PangeaAccessTokenSchema);
  }

  /**
   * Ends the upstream session of a grant, or keeps what is needed to end it later.
   *
   * @param expiresAt - How long it is worth trying, in epoch seconds.
   * @throws {StorageError} when the upstream does not answer, and the store does not take what is needed.
   */
  async end(grantId: string, tokens: UpstreamTokens, expiresAt: number): Promise<void> {
    try {
      await this.#parts.upstream.revoke(tokens);
    } catch (failure) {
      reportFailure(failure);
      this.#attempts.set(grantId, this.#afterPause(firstPauseSeconds));
      await this.#parts.repositories.upstreamRevocations.set(grantId, {
        sealed: this.#tokens.seal(tokens, grantId),
        expiresAt,
      });
    }
  }

  /** Begins to tell the upstream what this instance could not tell it, where that is due. Never throws. */
  retryDue(): void {
    if (this.#attempts.size === 0 || this.#underWay !== undefined) return;
    const now = this.#parts.now();
    const due = [...this.#attempts.entries()].filter(([, attempt]) => attempt.due <= now);
    if (due.length === 0) return;
    this.#underWay = this.#retryInTurn(due).finally(() => {
      this.#underWay = undefined;
    });
  }

  /**
   * Tells the upstream everything that any instance could not tell it.
   *
   * @returns How many sessions were ended.
   * @throws {StorageError} when the store fails.
   */
  async retryAll(): Promise<number> {
    if (!isEnumerable(this.#parts.repositories.upstreamRevocations)) return 0;
    const kept: [string, UpstreamRevocation][] = [];
    for await (const entry of this.#parts.repositories.upstreamRevocations.entries()) kept.push(entry);
    let ended = 0;
    for (const [grantId, { sealed }] of kept) if (await this.#tell(grantId, sealed)) ended += 1;
    return ended;
  }

  async #retryInTurn(due: readonly [string, NextAttempt][]): Promise<void> {
    for (const [grantId, { pauseSeconds }] of due) {
      this.#attempts.set(grantId, this.#afterPause(Math.min(2 * pauseSeconds, longestPauseSeconds)));
      try {
        const kept = await this.#parts.repositories.upstreamRevocations.get(grantId);
        if (kept === undefined) this.#attempts.delete(grantId);
        else await this.#tell(grantId, kept.sealed);
      } catch (failure) {
        reportFailure(failure);
      }
    }
  }

  async #tell(grantId: string, sealed: string): Promise<boolean> {
    try {
      await this.#parts.upstream.revoke(this.#tokens.open(sealed, grantId));
    } catch (failure) {
      reportFailure(failure);
      // Without the secret that it was sealed under this instance can never tell the upstream.
      if (failure instanceof UnsealableError) this.#attempts.delete(grantId);
      return false;
    }
    this.#attempts.delete(grantId);
    await this.#parts.repositories.upstreamRevocations.delete(grantId);
    return true;
  }

  #afterPause(pauseSeconds: number): NextAttempt {
    return { due: this.#parts.now() + pauseSeconds, pauseSeconds };
  }

  /** Waits for what is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#underWay;
  }
}
