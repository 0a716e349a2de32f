import { requireThat } from "../../option-checks.ts";
import type { AuthorizationCode } from "../../records/authorization-code.ts";
import type { Grant } from "../../records/grant.ts";
import { isGrantId, upstreamSessionKey } from "../../records/keys.ts";
import { openOr } from "../../secrets/sealing.ts";
import type { Repository } from "../../storage/contract.ts";
import { getFresh } from "../../storage/fresh-read.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { isSameResource } from "../oauth/resource.ts";
import type { Upstreams } from "../upstream/upstreams.ts";
import {
  type RecordedUser,
  revokeConsent,
  revokeConsentOfEverybody,
  revokeEveryConsent,
} from "./consent-revocations.ts";
import type { GrantKey } from "./grant-key.ts";
import type { SessionEnd, UpstreamRevocations } from "./upstream-revocations.ts";

/** The tombstone of a grant outlives everything of the grant by this long, for clocks that differ, in seconds. */
const tombstoneMargin = 24 * 60 * 60;

/** A grant that was revoked. */
export type Tombstone = Grant & { readonly revokedAt: number };

/** What a request has in hand when it revokes a grant. */
export interface RevocationEvidence {
  /** The grant as the store has just given it, which then is not read again. */
  readonly grant?: Grant;
  /** The code that the grant begins with: its record stands in for that of a grant that is not there yet. */
  readonly code?: AuthorizationCode | undefined;
  /** Opens the user's upstream session. */
  readonly key?: GrantKey | undefined;
  /** True where the grant has ended by its time, and nobody has decided anything: what the person has allowed stands. */
  readonly isOutOfTime?: boolean;
  /** Who has decided that the grant ends, where a person has: that is told to the log. */
  readonly by?: "operator" | "user";
}

/** What `Grants` needs. */
type GrantsParts = Pick<ProviderConfiguration, "meetForeignGrant" | "now" | "reporter" | "repositories"> & {
  /** Whose grants they are; undefined for the grants of every server on the store. */
  readonly resource: string | undefined;
  /** The instance that ends them; undefined for an operator's tool. */
  readonly instance?: string;
  /** The upstreams of that server; undefined where they are not known, and what a record says of its own has to do. */
  readonly upstreams: Pick<Upstreams, "issuerOfRecord"> | undefined;
  /** The grants as the store has them: a record that nobody can open is no absent one here, but an error. */
  readonly storedGrants: Repository<string, Grant>;
  readonly lifetimes: Pick<ProviderConfiguration["lifetimes"], "grant">;
  readonly upstreamRevocations: Pick<UpstreamRevocations, "end">;
};

/**
 * Grants: one user's approval of one client. A grant is one record, which is added once and never changes. Its tokens are
 * good only while the record is there, so a revocation is one write: a tombstone in the record's place, which no `add`
 * can replace while anything of the grant could still be shown.
 */
export class Grants {
  readonly #parts: GrantsParts;

  constructor(parts: GrantsParts) {
    this.#parts = parts;
  }

  /** The grant as the store has it now, whatever a cache remembers. */
  get(grantId: string): Promise<Grant | undefined> {
    return getFresh(this.#parts.repositories.grants, grantId);
  }

  /**
   * Ends a grant with everything that it issued, and the consent behind it unless it is out of time: writes its tombstone. The upstream session is
   * ended as well where the evidence opens it; where it does not, the session is ended by whoever shows a live credential
   * of the grant.
   *
   * @returns Whether there was a grant to end.
   * @throws {ConfigurationError} when a person has named a grant that is not there, by what is no grant's id.
   * @throws {UnsealableError} when a person has named a grant that is sealed under a key which this server does not have: it
   * may be another server's.
   * @throws {StorageError} when the store fails: the grant may be alive, so call again.
   */
  async revoke(
    grantId: string,
    { key, code, by, isOutOfTime = false, ...evidence }: RevocationEvidence = {},
  ): Promise<boolean> {
    const { repositories, storedGrants } = this.#parts;
    // What a person has decided is told to have failed, where a tombstone could be in the place of another server's grant.
    const read = by === undefined ? repositories.grants : storedGrants;
    const grant = evidence.grant ?? (await getFresh(read, grantId));
    if (grant !== undefined && !isOfServer(grant, this.#parts.resource)) {
      this.#parts.meetForeignGrant(String(grant.resource));
      return false;
    }
    // A tombstone in the place of what was never a grant would stay there for months.
    requireThat(
      by === undefined || grant !== undefined || code !== undefined || isGrantId(grantId),
      "The text is no id of a grant, which begins with sha256- and has 51 characters: take it from a list of the grants.",
    );
    if (isRevoked(grant)) {
      // Whoever revokes again may have been told that the replicas lack the tombstone.
      if (!(await this.endUpstream(grantId, grant, key))) await repositories.grants.set(grantId, grant);
      return false;
    }
    const revokedAt = this.#parts.now();
    const { clientId = "", subject, upstreamIssuer, sealedUpstream, resource } = grant ?? code ?? {};
    const tombstone = {
      clientId,
      scopes: [],
      createdAt: grant?.createdAt ?? revokedAt,
      expiresAt: (grant?.expiresAt ?? revokedAt + this.#parts.lifetimes.grant) + tombstoneMargin,
      revokedAt,
      ...(subject !== undefined && { subject }),
      ...(upstreamIssuer !== undefined && { upstreamIssuer }),
      ...(resource !== undefined && { resource }),
      ...(sealedUpstream !== undefined && { sealedUpstream }),
    };
    // Before the tombstone, after which nobody would try again.
    const issuer = this.#parts.upstreams?.issuerOfRecord(upstreamIssuer) ?? upstreamIssuer;
    const server = this.#parts.resource ?? resource?.href;
    if (subject !== undefined && server !== undefined && !isOutOfTime)
      await revokeConsent({ ...this.#parts, resource: server }, { subject, upstreamIssuer: issuer }, clientId);
    await this.#parts.repositories.grants.set(grantId, tombstone);
    if (grant !== undefined)
      this.#parts.reporter.tell("grant-revoked", { clientId, grantId, subject, upstreamIssuer: issuer, by });
    // What is over upstream opens nothing there, and what will be told of is kept anyway: neither is worth two calls.
    if ((await this.#endSession(grantId, tombstone, key)) === "given up") await this.#forgetSession(grantId, tombstone);
    return grant !== undefined;
  }

  /**
   * Ends what a person has allowed a client, or every client, until now, whether or not anything of it is stored.
   *
   * @throws {StorageError} when the store fails: the consent may stand, so call again.
   */
  async forgetConsent(user: RecordedUser, clientId?: string): Promise<void> {
    const { resource } = this.#parts;
    // What one client was allowed at a server that nobody names is over with the rest: the person is asked once too often.
    if (clientId === undefined || resource === undefined) await revokeEveryConsent(this.#parts, user);
    else await revokeConsent({ ...this.#parts, resource }, user, clientId);
  }

  /**
   * Ends what everybody has allowed at a server until now, whether or not anything of it is stored.
   *
   * @throws {StorageError} when the store fails: consents may stand, so call again.
   */
  forgetConsentOfEverybody(resource: string): Promise<void> {
    return revokeConsentOfEverybody({ ...this.#parts, resource });
  }

  /**
   * Ends the upstream session of a grant that was revoked, for whoever shows what opens it, and leaves nothing to be opened
   * again. The grant is over here whatever the upstream says.
   *
   * @param newest - The sealed upstream session, where it is newer than what the store has.
   * @returns Whether there was a session that the key opens: the tombstone was written again without it.
   * @throws {StorageError} when the store fails.
   */
  async endUpstream(grantId: string, tombstone: Grant, key: GrantKey | undefined, newest?: string): Promise<boolean> {
    const session = await this.#endSession(grantId, tombstone, key, newest);
    if (session === "none") return false;
    await this.#forgetSession(grantId, tombstone);
    return true;
  }

  async #forgetSession(grantId: string, tombstone: Grant): Promise<void> {
    const { sealedUpstream: _, ...ended } = tombstone;
    await Promise.all([
      this.#parts.repositories.grants.set(grantId, ended),
      this.#parts.repositories.upstreamSessions.delete(upstreamSessionKey(grantId)),
    ]);
  }

  /** Ends what the key opens, if anything. */
  async #endSession(grantId: string, tombstone: Grant, key?: GrantKey, newest?: string): Promise<SessionEnd | "none"> {
    if (key === undefined) return "none";
    const { repositories, upstreamRevocations } = this.#parts;
    const sealed =
      newest ??
      (await repositories.upstreamSessions.get(upstreamSessionKey(grantId)))?.sealed ??
      tombstone.sealedUpstream;
    const report = (failure: unknown) => void this.#parts.reporter.failure(failure);
    const session = sealed && openOr(() => key.openSession(sealed), report);
    if (!session) return "none";
    return upstreamRevocations.end(grantId, session, tombstone.expiresAt);
  }
}

/** True for the tombstone of a grant. */
export function isRevoked(grant: Grant | undefined): grant is Tombstone {
  return grant?.revokedAt !== undefined;
}

/** False for what another server keeps in the same store: its tokens are for another resource. */
export function isOfServer({ resource }: Pick<Grant, "resource">, own: string | undefined): boolean {
  return resource === undefined || own === undefined || isSameResource(resource, own);
}

/** True for a grant whose tokens are good. */
export function isLive(grant: Grant | undefined, nowSeconds: number): grant is Grant {
  return grant !== undefined && !isRevoked(grant) && grant.expiresAt > nowSeconds;
}
