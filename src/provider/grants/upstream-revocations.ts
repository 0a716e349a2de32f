import { recordKey } from "../../records/keys.ts";
import { PangeaAccessTokenSchema } from "../../records/pangea-access-token.ts";
import type { UpstreamRevocation } from "../../records/upstream-revocation.ts";
import { SealedJson } from "../../secrets/sealed-json.ts";
import { isEnumerable } from "../../storage/enumerable.ts";
import { UnreadableRecords } from "../../storage/unreadable-records.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { UpstreamTokens } from "../upstream/contract.ts";
import { Retries } from "./retries.ts";

/** How long after a failure the upstream is told again, in seconds. Each failure doubles it. */
const firstPauseSeconds = 10;
const longestPauseSeconds = 600;

/** What `UpstreamRevocations` needs. */
type RevocationParts = Pick<ProviderConfiguration, "keys" | "now" | "reporter" | "repositories" | "upstream">;

/**
 * Tells the upstream that a session is over. What the upstream could not be told is kept, sealed under the configured
 * secret, and told again: by this instance as requests come, or by any instance that goes through all of it.
 */
export class UpstreamRevocations {
  readonly #parts: RevocationParts;
  readonly #tokens: SealedJson<UpstreamTokens>;
  /** What this instance could not tell: the store has the tokens. */
  readonly retries: Retries<undefined>;

  constructor(parts: RevocationParts) {
    this.#parts = parts;
    this.#tokens = new SealedJson(parts.keys.derive("upstream revocation"), PangeaAccessTokenSchema);
    const attempt = (key: string) => this.#retry(key);
    this.retries = new Retries({ now: parts.now, reporter: parts.reporter, longestPauseSeconds, attempt });
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
      this.#parts.reporter.failure(failure);
      // A grant may have two sessions to end: what was there before a refresh, and what the refresh led to.
      const key = recordKey("upstream_revocation", grantId, tokens.token);
      this.retries.keep(key, undefined, firstPauseSeconds);
      await this.#parts.repositories.upstreamRevocations.set(key, {
        sealed: this.#tokens.seal(tokens, key),
        expiresAt,
      });
    }
  }

  /**
   * Tells the upstream everything that any instance could not tell it.
   *
   * @returns How many sessions were ended.
   * @throws {UnreadableRecordsError} at the end, when there were records that could not be read.
   * @throws {StorageError} when the store fails.
   */
  async retryAll(): Promise<number> {
    const { upstreamRevocations } = this.#parts.repositories;
    if (!isEnumerable(upstreamRevocations)) return 0;
    const unreadable = new UnreadableRecords();
    const kept = await unreadable.readAll<[string, UpstreamRevocation]>(upstreamRevocations.entries());
    let ended = 0;
    for (const [key, { sealed }] of kept) {
      const failure = await this.#tell(key, sealed);
      if (failure === undefined) ended += 1;
      else this.#parts.reporter.failure(failure);
    }
    unreadable.throwIfAny();
    return ended;
  }

  async #retry(key: string): Promise<void> {
    const kept = await this.#parts.repositories.upstreamRevocations.get(key);
    const failure = kept && (await this.#tell(key, kept.sealed));
    if (failure !== undefined) throw failure;
  }

  /**
   * Tells the upstream, and forgets what was kept for it.
   *
   * @returns Why the upstream could not be told, if it could not.
   */
  async #tell(key: string, sealed: string): Promise<unknown> {
    try {
      await this.#parts.upstream.revoke(this.#tokens.open(sealed, key));
    } catch (failure) {
      return failure;
    }
    await this.#parts.repositories.upstreamRevocations.delete(key);
    return undefined;
  }
}
