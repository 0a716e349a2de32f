import { UnsealableError } from "../../errors.ts";
import type { Grant } from "../../records/grant.ts";
import type { UpstreamSessionRecord } from "../../records/upstream-session.ts";
import type { Repository } from "../../storage/contract.ts";
import { getFresh } from "../../storage/fresh-read.ts";
import { emit } from "../events.ts";
import { reportFailure } from "../oauth-failure.ts";
import type { UpstreamTokens } from "../upstream/contract.ts";
import type { ConsentRevocations } from "./consent-revocations.ts";
import type { GrantKey } from "./grant-key.ts";
import type { UpstreamRevocations } from "./upstream-revocations.ts";

/** The tombstone of a grant outlives everything of the grant by this long, for clocks that differ, in seconds. */
const tombstoneMargin = 24 * 60 * 60;

/** A grant that was revoked. */
export type Tombstone = Grant & { readonly revokedAt: number };

/** What a request has in hand when it revokes a grant. */
export interface RevocationEvidence {
  /** The grant as the store has just given it, which then is not read again. */
  readonly grant?: Grant;
  /** Opens the user's upstream session. */
  readonly key?: GrantKey | undefined;
  /** The sealed upstream session, where it is newer than what the records of the grant have. */
  readonly sealedUpstream?: string | undefined;
  /** The client of a grant whose record is not there yet. */
  readonly clientId?: string;
  /** The user of a grant whose record is not there yet. */
  readonly subject?: string | undefined;
}

/**
 * Grants: one user's approval of one client. A grant is one record, which is added once and never changes. Its tokens are
 * good only while the record is there, so a revocation is one write: a tombstone in the record's place, which no `add`
 * can replace while anything of the grant could still be shown.
 */
export class Grants {
  readonly #grants: Repository<string, Grant>;
  readonly #sessions: Repository<string, UpstreamSessionRecord>;
  readonly #upstreamRevocations: UpstreamRevocations;
  readonly #consentRevocations: ConsentRevocations;
  readonly #now: () => number;
  readonly #lifetime: number;

  constructor(parts: {
    readonly repositories: {
      readonly grants: Repository<string, Grant>;
      readonly upstreamSessions: Repository<string, UpstreamSessionRecord>;
    };
    readonly upstreamRevocations: UpstreamRevocations;
    readonly consentRevocations: ConsentRevocations;
    /** The time in epoch seconds. */
    readonly now: () => number;
    /** How long a grant may last, in seconds. */
    readonly lifetime: number;
  }) {
    this.#grants = parts.repositories.grants;
    this.#sessions = parts.repositories.upstreamSessions;
    this.#upstreamRevocations = parts.upstreamRevocations;
    this.#consentRevocations = parts.consentRevocations;
    this.#now = parts.now;
    this.#lifetime = parts.lifetime;
  }

  /** The grant as the store has it now, whatever a cache remembers. */
  get(grantId: string): Promise<Grant | undefined> {
    return getFresh(this.#grants, grantId);
  }

  /** Begins a grant; false where it has begun before, or was revoked before it could begin. */
  add(grantId: string, grant: Grant): Promise<boolean> {
    return this.#grants.add(grantId, grant);
  }

  /**
   * Ends a grant with everything that it issued, and the consent behind it: writes its tombstone. The upstream session is
   * ended as well where the evidence opens it; where it does not, the session is ended by whoever shows a live credential
   * of the grant.
   *
   * @returns Whether there was a grant to end.
   * @throws {StorageError} when the store fails: the grant may be alive, so call again.
   */
  async revoke(grantId: string, evidence: RevocationEvidence = {}): Promise<boolean> {
    const grant = evidence.grant ?? (await this.get(grantId));
    if (isRevoked(grant)) {
      await this.endUpstream(grantId, grant, evidence);
      return false;
    }
    const revokedAt = this.#now();
    const sealedUpstream = grant?.sealedUpstream ?? evidence.sealedUpstream;
    const { clientId = "", subject } = grant ?? evidence;
    const tombstone = {
      clientId,
      scopes: [],
      createdAt: grant?.createdAt ?? revokedAt,
      expiresAt: (grant?.expiresAt ?? revokedAt + this.#lifetime) + tombstoneMargin,
      revokedAt,
      ...(subject !== undefined && { subject }),
      ...(sealedUpstream !== undefined && { sealedUpstream }),
    };
    // Before the tombstone, after which nobody would try again.
    if (subject !== undefined) await this.#consentRevocations.revoke(subject, clientId);
    await this.#grants.set(grantId, tombstone);
    if (grant !== undefined) emit("grant-revoked", { clientId: grant.clientId, grantId });
    await this.#endSession(grantId, tombstone, evidence);
    return grant !== undefined;
  }

  /**
   * Ends the upstream session of a grant that was revoked, for whoever shows what opens it, and leaves nothing to be opened
   * again. The grant is over here whatever the upstream says.
   *
   * @throws {StorageError} when the store fails.
   */
  async endUpstream(grantId: string, tombstone: Grant, evidence: RevocationEvidence): Promise<void> {
    if (!(await this.#endSession(grantId, tombstone, evidence))) return;
    const { sealedUpstream: _, ...ended } = tombstone;
    await Promise.all([this.#grants.set(grantId, ended), this.#sessions.delete(grantId)]);
  }

  /** False where there is nothing that the evidence opens. */
  async #endSession(grantId: string, tombstone: Grant, { key, sealedUpstream }: RevocationEvidence): Promise<boolean> {
    if (key === undefined) return false;
    const sealed = sealedUpstream ?? (await this.#sessions.get(grantId))?.sealed ?? tombstone.sealedUpstream;
    if (sealed === undefined) return false;
    let tokens: UpstreamTokens;
    try {
      tokens = key.openSession(sealed).tokens;
    } catch (failure) {
      if (!(failure instanceof UnsealableError)) throw failure;
      reportFailure(failure);
      return false;
    }
    await this.#upstreamRevocations.end(grantId, tokens, tombstone.expiresAt);
    return true;
  }
}

/** True for the tombstone of a grant. */
export function isRevoked(grant: Grant | undefined): grant is Tombstone {
  return grant?.revokedAt !== undefined;
}

/** True for a grant whose tokens are good. */
export function isLive(grant: Grant | undefined, nowSeconds: number): grant is Grant {
  return grant !== undefined && !isRevoked(grant) && grant.expiresAt > nowSeconds;
}
