import {
  OAuthError,
  StorageError,
  UnsealableError,
  UpstreamRejectedError,
  UpstreamUnavailableError,
} from "../../errors.ts";
import type { Grant } from "../../records/grant.ts";
import { accessTokenKey, grantIdOf, upstreamSessionKey } from "../../records/keys.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { KeyAnnouncements } from "../keys/key-announcements.ts";
import { readAccessToken } from "../oauth/grant-credential.ts";
import type { Upstream, UpstreamIdentity } from "../upstream/contract.ts";
import { GrantKey, type UpstreamSession } from "./grant-key.ts";
import { type Grants, isLive, isOfServer, isRevoked } from "./grants.ts";
import { Retries } from "./retries.ts";
import { upstreamOfRecord, upstreamRemoved } from "./upstream-of-record.ts";
import type { UpstreamRefreshLock } from "./upstream-refresh-lock.ts";

/** An upstream token is refreshed this long before it expires, in seconds, so that it outlives the call it is for. */
const refreshAheadSeconds = 60;

/** The upstream token and the identity behind a request. */
export interface UpstreamUserToken extends UpstreamIdentity {
  /** The id of the upstream that the user logged in at, such as `google`: where the token is good. */
  readonly upstream: string;
  /** The issuer of that upstream. Issuer and `subject` together say who the user is. */
  readonly upstreamIssuer: string;
  /** The upstream's access token. */
  readonly token: string;
  /** When it expires, in epoch seconds, where the upstream said so. */
  readonly expiresAt?: number;
  /** The scopes that the upstream gave it, where it said so. */
  readonly scopes?: readonly string[];
}

/**
 * The longest pause after which a session is stored again, in seconds. The lock of the session of before holds for several of
 * them, so that nobody shows the upstream what is spent.
 */
const longestPauseSeconds = 40;

/** A grant that is alive, the key that opens it, and its session as the store or this instance has it, sealed and open. */
interface OpenGrant {
  readonly grantId: string;
  readonly grant: Grant;
  readonly key: GrantKey;
  readonly sealed: string;
  readonly session: UpstreamSession;
  /** The upstream whose session it is. */
  readonly upstream: Upstream;
}

/** A session that was refreshed, sealed, and the grant with the session that the store held before. */
interface Unstored {
  readonly before: OpenGrant;
  readonly sealed: string;
}

/** What `UpstreamSessions` needs. */
type SessionParts = Pick<
  ProviderConfiguration,
  "keys" | "later" | "meetUnknownUpstream" | "now" | "reporter" | "repositories" | "resource" | "upstreams"
> & {
  readonly grants: Grants;
  readonly lock: UpstreamRefreshLock;
  readonly announcements: KeyAnnouncements;
};

/** Opens the upstream sessions of grants for the requests that hold their tokens, and keeps them fresh. */
export class UpstreamSessions {
  readonly #parts: SessionParts;
  readonly #refreshing = new Map<string, Promise<UpstreamSession>>();
  /**
   * Refreshed sessions that the store did not take. The upstream may not take the old ones again, so the refreshed ones are
   * kept here until a timer or a later request has stored them.
   *
   * The rule: a session that is kept here replaces the stored one while the stored one is still the one that it was made
   * from. Once the store holds another, somebody else has gone on with the login, and what is here is forgotten.
   */
  readonly unstored: Retries<Unstored>;

  constructor(parts: SessionParts) {
    this.#parts = parts;
    const attempt = (_: string, unstored: Unstored) => this.#storeAgain(unstored);
    const { later, now, reporter } = parts;
    this.unstored = new Retries({
      ...{ later, now, reporter, longestPauseSeconds, attempt },
      isHereOnly: () => true,
      lose: (count) => reporter.tell("lost-at-end", { kind: "sessions", count }),
    });
  }

  /**
   * The upstream token and identity of the user whose access token this is. The upstream token is refreshed when it is
   * due, once for any number of callers on any number of instances.
   *
   * @throws {OAuthError} with `invalid_token` when the login is over, here or upstream.
   * @throws {UpstreamUnavailableError} when it has to be refreshed and the upstream does not answer.
   * @throws {StorageError} when the store fails.
   */
  async open(accessToken: string): Promise<UpstreamUserToken> {
    const open = await this.#openGrant(accessToken);
    const { tokens, identity } = await this.#freshSession(open);
    const { token, expiresAt, scopes } = tokens;
    return {
      upstream: open.upstream.id,
      upstreamIssuer: open.upstream.issuer,
      token,
      ...(expiresAt !== undefined && { expiresAt }),
      ...(scopes !== undefined && { scopes }),
      ...identity,
    };
  }

  async #openGrant(accessToken: string): Promise<OpenGrant> {
    const ours = readAccessToken(accessToken);
    if (ours === undefined) throw loginOver();
    const grantId = grantIdOf(ours.handle);
    const [record, { grant, stored }] = await Promise.all([
      this.#parts.repositories.accessTokens.get(accessTokenKey(accessToken)),
      this.#read(grantId),
    ]);
    const now = this.#parts.now();
    if (record?.wrappedKey === undefined || record.revokedAt !== undefined || !isFuture(record.expiresAt, now)) {
      throw loginOver();
    }
    if (!isOfServer(record, this.#parts.resource)) throw loginOver();
    const key = await this.#unwrap(grantId, accessToken, record.wrappedKey);
    const unstored = stored && this.#inPlaceOf(grantId, stored);
    if (isRevoked(grant)) await this.#parts.grants.endUpstream(grantId, grant, key, unstored);
    if (!isLive(grant, now) || stored === undefined) throw loginOver();
    const session = key.openSession(unstored ?? stored);
    // What is sealed decides: whoever writes to the store cannot send the tokens to another upstream.
    const upstream = upstreamOfRecord(this.#parts, { upstreamIssuer: session.issuer });
    if (upstream === undefined) throw upstreamRemoved("invalid_token");
    const open = { grantId, grant, key, sealed: unstored ?? stored, session, upstream };
    if (unstored !== undefined) await this.#store({ ...open, sealed: stored }, unstored);
    return open;
  }

  /** A grant, and its sealed session. */
  async #read(grantId: string): Promise<{ readonly grant: Grant | undefined; readonly stored: string | undefined }> {
    const [grant, session] = await Promise.all([
      this.#parts.grants.get(grantId),
      this.#parts.repositories.upstreamSessions.get(upstreamSessionKey(grantId)),
    ]);
    return { grant, stored: session?.sealed ?? grant?.sealedUpstream };
  }

  /** The session that goes in place of the stored one, if there is one. */
  #inPlaceOf(grantId: string, stored: string): string | undefined {
    const unstored = this.unstored.get(grantId);
    if (unstored?.before.sealed === stored) return unstored.sealed;
    this.unstored.forget(grantId);
    return undefined;
  }

  async #unwrap(grantId: string, accessToken: string, wrappedKey: string): Promise<GrantKey> {
    try {
      return GrantKey.unwrap(this.#parts.keys, grantId, accessToken, wrappedKey);
    } catch (failure) {
      const explained = await this.#parts.announcements.explain(failure, "invalid_token");
      if (!(explained instanceof UnsealableError)) throw explained;
      this.#parts.reporter.failure(explained);
      throw loginOver();
    }
  }

  async #freshSession(open: OpenGrant): Promise<UpstreamSession> {
    const { grantId, session } = open;
    const { expiresAt } = session.tokens;
    if (expiresAt === undefined || this.#parts.now() < expiresAt - refreshAheadSeconds) return session;
    const refreshing =
      this.#refreshing.get(grantId) ?? this.#refresh(open).finally(() => this.#refreshing.delete(grantId));
    this.#refreshing.set(grantId, refreshing);
    try {
      return await refreshing;
    } catch (failure) {
      // Due but not over: an outage of the upstream need not stop what the token is still good for.
      if (failure instanceof UpstreamUnavailableError && this.#parts.now() < expiresAt) return session;
      throw failure;
    }
  }

  async #refresh(open: OpenGrant): Promise<UpstreamSession> {
    const { refreshToken } = open.session.tokens;
    if (refreshToken === undefined) return this.#endOrUseNewer(open);
    return this.#parts.lock.once(
      open,
      () => this.#newer(open),
      (noteReplaced) => this.#redeem(open, refreshToken, noteReplaced),
    );
  }

  async #redeem(
    open: OpenGrant,
    refreshToken: string,
    noteReplaced: () => void,
  ): Promise<{ readonly value: UpstreamSession; readonly isReplaced: boolean }> {
    const { session, upstream } = open;
    // When the old token expires says nothing of the new one.
    const { expiresAt: _, ...kept } = session.tokens;
    let renewed: UpstreamSession;
    try {
      renewed = { ...session, tokens: { ...kept, ...(await upstream.refresh(refreshToken)) } };
    } catch (failure) {
      if (!(failure instanceof UpstreamRejectedError && failure.error === "invalid_grant")) throw failure;
      return { value: await this.#endOrUseNewer(open), isReplaced: false };
    }
    // The old refresh token is spent, whether or not the store takes the new one.
    noteReplaced();
    await this.#store(open, open.key.sealSession(renewed));
    return { value: renewed, isReplaced: true };
  }

  /**
   * Stores a refreshed session, and then looks whether the grant was revoked meanwhile: whoever revoked it could only end
   * the session of before, so this one is ended here. A session that the store does not take is good all the same: it is
   * kept for a timer or a later request to store.
   */
  async #store(open: OpenGrant, sealed: string): Promise<void> {
    const { grantId, grant } = open;
    try {
      await this.#parts.repositories.upstreamSessions.set(upstreamSessionKey(grantId), {
        sealed,
        expiresAt: grant.expiresAt,
      });
      this.unstored.forget(grantId);
    } catch (failure) {
      if (!(failure instanceof StorageError)) throw failure;
      this.#parts.reporter.failure(failure);
      this.#keep(open, sealed);
    }
    try {
      if (await this.#endIfRevoked(open, sealed)) throw loginOver();
    } catch (failure) {
      // Whether somebody revoked the grant meanwhile, and knew only the session of before, is looked at again.
      if (failure instanceof StorageError) this.#keep(open, sealed);
      throw failure;
    }
  }

  #keep(open: OpenGrant, sealed: string): void {
    const earlier = this.unstored.get(open.grantId);
    this.unstored.keep(open.grantId, { before: earlier?.sealed === open.sealed ? earlier.before : open, sealed });
  }

  async #endIfRevoked({ grantId, key }: OpenGrant, sealed: string): Promise<boolean> {
    const grant = await this.#parts.grants.get(grantId);
    if (isRevoked(grant)) await this.#parts.grants.endUpstream(grantId, grant, key, sealed);
    return isRevoked(grant);
  }

  async #storeAgain({ before, sealed }: Unstored): Promise<void> {
    const { grantId } = before;
    const { grant, stored } = await this.#read(grantId);
    if (stored === before.sealed && !isRevoked(grant)) {
      await this.#parts.repositories.upstreamSessions.set(upstreamSessionKey(grantId), {
        sealed,
        expiresAt: before.grant.expiresAt,
      });
    }
    await this.#endIfRevoked(before, sealed);
  }

  /** The session that another instance has stored since this one was read, if any. */
  async #newer(open: OpenGrant): Promise<UpstreamSession | undefined> {
    const { grant, stored } = await this.#read(open.grantId);
    if (isRevoked(grant)) await this.#parts.grants.endUpstream(open.grantId, grant, open.key);
    if (!isLive(grant, this.#parts.now())) throw loginOver();
    if (stored === undefined || stored === open.sealed) return undefined;
    return this.#inPlaceOf(open.grantId, stored) === open.sealed ? undefined : open.key.openSession(stored);
  }

  /** Where the upstream ends the session while its token is still good, the token is used to its end. */
  async #endOrUseNewer(open: OpenGrant): Promise<UpstreamSession> {
    const newer = await this.#newer(open);
    if (newer !== undefined) return newer;
    if (isFuture(open.session.tokens.expiresAt, this.#parts.now())) return open.session;
    await this.#parts.grants.revoke(open.grantId);
    throw loginOver();
  }
}

function isFuture(time: number | undefined, now: number): boolean {
  return time !== undefined && now < time;
}

function loginOver(): OAuthError {
  return new OAuthError("invalid_token", "The login behind this token is over; the user has to log in again.");
}
