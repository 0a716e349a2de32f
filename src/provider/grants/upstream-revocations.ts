import { UnsealableError } from "../../errors.ts";
import { recordKey } from "../../records/keys.ts";
import { PangeaAccessTokenSchema } from "../../records/pangea-access-token.ts";
import type { UpstreamRevocation } from "../../records/upstream-revocation.ts";
import { SealedJson } from "../../secrets/sealed-json.ts";
import { isEnumerable } from "../../storage/enumerable.ts";
import { UnreadableRecords } from "../../storage/unreadable-records.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { KeyAnnouncements } from "../keys/key-announcements.ts";
import type { UpstreamTokens } from "../upstream/contract.ts";
import type { UpstreamSession } from "./grant-key.ts";
import { Retries } from "./retries.ts";
import { upstreamOfRecord } from "./upstream-of-record.ts";

/** How long after a failure the upstream is told again, in seconds. Each failure doubles it. */
const firstPauseSeconds = 10;
const longestPauseSeconds = 600;

/** What `UpstreamRevocations` needs. */
type RevocationParts = Pick<
  ProviderConfiguration,
  "keys" | "meetUnknownUpstream" | "now" | "reporter" | "repositories" | "upstreams"
> & { readonly announcements: Pick<KeyAnnouncements, "holderOf"> };

/** The tokens of a session that is over, and the issuer of the upstream that they are of. */
export type EndedSession = Pick<UpstreamSession, "issuer" | "tokens">;

/**
 * Tells the upstream that a session is over. What the upstream could not be told is kept, sealed under the configured
 * secret, and told again: by this instance as requests come, or by any instance that goes through all of it.
 *
 * Only the upstream whose tokens they are is ever told. Where that is not configured any more, they are kept until it is
 * again, or until they are over.
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
  async end(grantId: string, { tokens, issuer }: EndedSession, expiresAt: number): Promise<void> {
    const upstream = upstreamOfRecord(this.#parts, { upstreamIssuer: issuer });
    // A grant may have two sessions to end: what was there before a refresh, and what the refresh led to.
    const key = recordKey("upstream_revocation", grantId, tokens.token);
    try {
      if (upstream !== undefined) return await upstream.revoke(tokens);
    } catch (failure) {
      this.#parts.reporter.failure(failure);
      this.retries.keep(key, undefined, firstPauseSeconds);
    }
    await this.#parts.repositories.upstreamRevocations.set(key, {
      sealed: this.#tokens.seal(tokens, boundTo(key, issuer)),
      expiresAt,
      ...(issuer !== undefined && { upstreamIssuer: issuer }),
    });
  }

  /**
   * Tells the upstreams everything that any instance could not tell them.
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
    for (const [key, record] of kept) {
      const outcome = await this.#tell(key, record);
      if (outcome === "told") ended += 1;
      else if (outcome !== "nobody to tell" && !(await this.#isForeign(outcome.failure))) {
        this.#parts.reporter.failure(outcome.failure);
      }
    }
    unreadable.throwIfAny();
    return ended;
  }

  /** Whether something does not open since another server has sealed it: that one tells its upstream itself. */
  async #isForeign(failure: unknown): Promise<boolean> {
    if (!(failure instanceof UnsealableError) || failure.keyId === undefined) return false;
    return (await this.#parts.announcements.holderOf(failure.keyId)) === "another server";
  }

  async #retry(key: string): Promise<void> {
    const kept = await this.#parts.repositories.upstreamRevocations.get(key);
    const outcome = kept && (await this.#tell(key, kept));
    if (typeof outcome === "object") throw outcome.failure;
  }

  /** Tells the upstream, and forgets what was kept for it. */
  async #tell(
    key: string,
    { sealed, upstreamIssuer }: UpstreamRevocation,
  ): Promise<"told" | "nobody to tell" | { readonly failure: unknown }> {
    const upstream = upstreamOfRecord(this.#parts, { upstreamIssuer });
    if (upstream === undefined) return "nobody to tell";
    try {
      await upstream.revoke(this.#tokens.open(sealed, boundTo(key, upstreamIssuer)));
    } catch (failure) {
      return { failure };
    }
    await this.#parts.repositories.upstreamRevocations.delete(key);
    return "told";
  }
}

/** Whoever writes to the store cannot send the tokens to another upstream. */
function boundTo(key: string, issuer: string | undefined): string {
  return issuer === undefined ? key : JSON.stringify([key, issuer]);
}
