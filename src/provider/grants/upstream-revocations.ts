import { UnsealableError, type UpstreamRejectedError } from "../../errors.ts";
import { recordKey } from "../../records/keys.ts";
import { PangeaAccessTokenSchema } from "../../records/pangea-access-token.ts";
import type { UpstreamRevocation } from "../../records/upstream-revocation.ts";
import { SealedJson } from "../../secrets/sealed-json.ts";
import { isEnumerable } from "../../storage/enumerable.ts";
import { UnreadableRecords } from "../../storage/unreadable-records.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { KeyAnnouncements } from "../keys/key-announcements.ts";
import { describeFailure } from "../reporting/failure-description.ts";
import type { UpstreamTokens } from "../upstream/contract.ts";
import { isDefiniteRefusal } from "../upstream/revoke-each.ts";
import type { UpstreamSession } from "./grant-key.ts";
import { Retries } from "./retries.ts";
import { upstreamOfRecord } from "./upstream-of-record.ts";

/** How long after a failure the upstream is told again, in seconds. Each failure doubles it. */
const firstPauseSeconds = 10;
const longestPauseSeconds = 6 * 60 * 60;

/** The errors by which an upstream refuses this server and not what it asks for: an operator can mend them. */
const refusalsOfServer: readonly string[] = ["invalid_client", "unauthorized_client"];

/** What `UpstreamRevocations` needs. */
type RevocationParts = Pick<
  ProviderConfiguration,
  "keys" | "later" | "meetUnknownUpstream" | "now" | "reporter" | "repositories" | "upstreams"
> & { readonly announcements: Pick<KeyAnnouncements, "holderOf"> };

/** The tokens of a session that is over, and the issuer of the upstream that they are of. */
export type EndedSession = Pick<UpstreamSession, "issuer" | "tokens">;

/** What is to be told, where the store has not taken it; undefined where the store has it. */
type Untold = { readonly session: EndedSession; readonly expiresAt: number } | undefined;

/**
 * Tells the upstream that a session is over. What the upstream could not be told is kept, sealed under the configured
 * secret, and told again: by this instance after pauses that grow, or by any instance that goes through all of it. Where the
 * store does not take it either, this instance keeps it in its memory until one of them does.
 *
 * An upstream that definitely refuses is not told again, and the operator is told.
 *
 * Only the upstream whose tokens they are is ever told. Where that is not configured any more, they are kept until it is
 * again, or until they are over.
 */
export class UpstreamRevocations {
  readonly #parts: RevocationParts;
  readonly #tokens: SealedJson<UpstreamTokens>;
  /** What this instance could not tell. */
  readonly retries: Retries<Untold>;

  constructor(parts: RevocationParts) {
    this.#parts = parts;
    this.#tokens = new SealedJson(parts.keys.derive("upstream revocation"), PangeaAccessTokenSchema);
    const { later, now, reporter } = parts;
    this.retries = new Retries({
      ...{ later, now, reporter, longestPauseSeconds },
      attempt: (key, untold) => this.#retry(key, untold),
      isHereOnly: (untold) => untold !== undefined,
      lose: (count) => reporter.tell("lost-at-end", { kind: "revocations", count }),
    });
  }

  /**
   * Ends the upstream session of a grant, or keeps what is needed to end it later.
   *
   * @param expiresAt - How long it is worth trying, in epoch seconds.
   * @returns What has come of it. Tokens that were given up may be good upstream yet, and nobody tells of them any more.
   * @throws {StorageError} when the upstream does not answer, and the store does not take what is needed: this instance has it
   * in its memory then, and goes on trying.
   */
  async end(grantId: string, session: EndedSession, expiresAt: number): Promise<SessionEnd> {
    // A grant may have two sessions to end: what was there before a refresh, and what the refresh led to.
    const key = recordKey("upstream_revocation", grantId, session.tokens.token);
    const outcome = await this.#revokeOpen(session);
    if (isDone(outcome)) {
      // What the store has of it is deleted when it is tried again.
      if (this.retries.get(key) !== undefined) this.retries.forget(key);
      return outcome === "told" ? "told" : "given up";
    }
    if (typeof outcome === "object") {
      if (isDefiniteRefusal(outcome.failure)) {
        if (!this.#tellRefusal(outcome.failure, session.issuer)) return "given up";
      } else this.#parts.reporter.failure(outcome.failure);
    }
    const untold = { session, expiresAt };
    try {
      await this.#store(key, untold, outcome);
    } catch (failure) {
      this.retries.keep(key, untold, firstPauseSeconds);
      throw failure;
    }
    return "kept";
  }

  /** Stores what could not be told, and sees to it that it is told later. */
  async #store(key: string, untold: NonNullable<Untold>, outcome: Exclude<Outcome, Done>): Promise<void> {
    const { tokens, issuer } = untold.session;
    await this.#parts.repositories.upstreamRevocations.set(key, {
      sealed: this.#tokens.seal(tokens, boundTo(key, issuer)),
      expiresAt: untold.expiresAt,
      ...(issuer !== undefined && { upstreamIssuer: issuer }),
    });
    const isToldLater = typeof outcome === "object" && !isDefiniteRefusal(outcome.failure);
    if (isToldLater) this.retries.keep(key, undefined, firstPauseSeconds);
    else this.retries.forget(key);
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
      else if (typeof outcome === "object" && !(await this.#isForeign(outcome.failure))) {
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

  async #retry(key: string, untold: Untold): Promise<void> {
    if (untold !== undefined) {
      if (this.#parts.now() >= untold.expiresAt) return;
      const outcome = await this.#revokeOpen(untold.session);
      if (isDone(outcome)) return;
      if (typeof outcome === "object" && isDefiniteRefusal(outcome.failure)) {
        if (!this.#tellRefusal(outcome.failure, untold.session.issuer)) return;
      }
      return this.#store(key, untold, outcome);
    }
    const kept = await this.#parts.repositories.upstreamRevocations.get(key);
    const outcome = kept && (await this.#tell(key, kept));
    if (typeof outcome === "object") throw outcome.failure;
  }

  /** Tells the upstream what was kept for it. What is told, or never will be, is forgotten. */
  async #tell(key: string, { sealed, upstreamIssuer: issuer }: UpstreamRevocation): Promise<Outcome | "refused"> {
    const outcome = await this.#revoke({ issuer, open: () => this.#tokens.open(sealed, boundTo(key, issuer)) });
    if (outcome === "nobody to tell") return outcome;
    if (!isDone(outcome)) {
      if (!isDefiniteRefusal(outcome.failure)) return outcome;
      if (this.#tellRefusal(outcome.failure, issuer)) return "refused";
    }
    await this.#parts.repositories.upstreamRevocations.delete(key);
    return isDone(outcome) ? outcome : "refused";
  }

  #revokeOpen({ issuer, tokens }: EndedSession): Promise<Outcome> {
    return this.#revoke({ issuer, open: () => tokens });
  }

  /** @param session - With what opens its tokens: where nobody can be told, nothing has to be opened. */
  async #revoke({ issuer, open }: { issuer: string | undefined; open: () => UpstreamTokens }): Promise<Outcome> {
    const upstream = upstreamOfRecord(this.#parts, { upstreamIssuer: issuer });
    if (upstream === undefined) return "nobody to tell";
    try {
      return (await upstream.revoke(open())) === false ? "nothing to tell" : "told";
    } catch (failure) {
      return { failure };
    }
  }

  /** @returns Whether the tokens are kept: an operator can mend it where the upstream refuses this server. */
  #tellRefusal(failure: UpstreamRejectedError, issuer: string | undefined): boolean {
    const { reporter, upstreams } = this.#parts;
    const isKept = refusalsOfServer.includes(failure.error);
    reporter.tell("upstream-revocation-refused", {
      upstreamIssuer: upstreams.issuerOfRecord(issuer) ?? "",
      error: failure.error,
      isKept,
      failure: describeFailure(failure),
      ...(failure.advice !== undefined && { advice: failure.advice }),
    });
    return isKept;
  }
}

/** What has come of the end of a session: its upstream knows, or will be told, or never will be. */
export type SessionEnd = "told" | "kept" | "given up";

/** What needs nothing more: the upstream was told, or is one that revokes nothing. */
type Done = "told" | "nothing to tell";

/** What came of telling an upstream. */
type Outcome = Done | "nobody to tell" | { readonly failure: unknown };

function isDone(outcome: Outcome): outcome is Done {
  return outcome === "told" || outcome === "nothing to tell";
}

/** Whoever writes to the store cannot send the tokens to another upstream. */
function boundTo(key: string, issuer: string | undefined): string {
  return issuer === undefined ? key : JSON.stringify([key, issuer]);
}
