import { LRUCache } from "lru-cache";
import {
  OAuthError,
  StorageError,
  UnsealableError,
  UpstreamRejectedError,
  UpstreamUnavailableError,
} from "../../errors.ts";
import type { AccessToken } from "../../records/access-token.ts";
import type { Grant } from "../../records/grant.ts";
import { accessTokenKey } from "../../records/keys.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { reportFailure } from "../oauth-failure.ts";
import type { UpstreamIdentity } from "../upstream/contract.ts";
import { GrantKey, type UpstreamSession } from "./grant-key.ts";
import type { Grants } from "./grants.ts";
import { RefreshClaims } from "./upstream-refresh-lock.ts";

/** An upstream token is refreshed this long before it expires, in seconds, so that it outlives the call it is for. */
const refreshAheadSeconds = 60;

/** The upstream token and the identity behind a request. */
export interface UpstreamUserToken extends UpstreamIdentity {
  /** The access token, such as Pangea AuthN's `ptu_…`. */
  readonly token: string;
  /** When it expires, in epoch seconds, where the upstream said so. */
  readonly expiresAt?: number;
  /** The scopes that the upstream gave it, where it said so. */
  readonly scopes?: readonly string[];
}

/** A session that was refreshed, sealed, and what the store held before. */
interface Unstored {
  readonly before: string | undefined;
  readonly sealed: string;
}

const maxUnstored = 10_000;

/** A grant that is alive, and the key that opens it. */
interface OpenGrant {
  readonly grantId: string;
  readonly grant: Grant;
  readonly key: GrantKey;
}

/** Opens the upstream sessions of grants for the requests that hold their tokens, and keeps them fresh. */
export class UpstreamSessions {
  readonly #configuration: ProviderConfiguration;
  readonly #grants: Grants;
  readonly #claims: RefreshClaims;
  readonly #refreshing = new Map<string, Promise<UpstreamSession>>();
  /** Refreshed sessions that the store did not take, by their grants: Pangea may not take the old ones again. */
  readonly #unstored = new LRUCache<string, Unstored>({ max: maxUnstored });

  constructor(configuration: ProviderConfiguration, grants: Grants) {
    this.#configuration = configuration;
    this.#grants = grants;
    this.#claims = new RefreshClaims(configuration);
  }

  /**
   * The Pangea token and identity of the user whose access token this is. The Pangea token is refreshed when it is due,
   * once for any number of callers on any number of instances.
   *
   * @throws `OAuthError` with `invalid_token` where the login is over, here or at Pangea; `UpstreamUnavailableError`
   * where it has to be refreshed and Pangea AuthN does not answer; `StorageError` when the store fails.
   */
  async open(accessToken: string): Promise<UpstreamUserToken> {
    const open = await this.#openGrant(accessToken);
    const { tokens, identity } = await this.#freshSession(open);
    const { token, expiresAt, scopes } = tokens;
    return {
      token,
      ...(expiresAt !== undefined && { expiresAt }),
      ...(scopes !== undefined && { scopes }),
      ...identity,
    };
  }

  async #openGrant(accessToken: string): Promise<OpenGrant> {
    const record: AccessToken | undefined = await this.#configuration.repositories.accessTokens.get(
      accessTokenKey(accessToken),
    );
    const { grantId, wrappedKey } = record ?? {};
    const grant = grantId === undefined ? undefined : await this.#grants.get(grantId);
    if (grantId === undefined || grant === undefined || wrappedKey === undefined) throw loginOver();
    const open = { grantId, grant, key: this.#unwrap(grantId, accessToken, wrappedKey) };
    const unstored = this.#unstored.get(grantId);
    if (unstored === undefined) return open;
    if (unstored.before === grant.sealedUpstream) return this.#store(open, unstored.sealed);
    this.#unstored.delete(grantId);
    return open;
  }

  #unwrap(grantId: string, accessToken: string, wrappedKey: string): GrantKey {
    try {
      return GrantKey.unwrap(this.#configuration.keys, grantId, accessToken, wrappedKey);
    } catch (failure) {
      if (!(failure instanceof UnsealableError)) throw failure;
      reportFailure(failure);
      throw loginOver();
    }
  }

  async #freshSession(open: OpenGrant): Promise<UpstreamSession> {
    const session = openSession(open);
    const { expiresAt } = session.tokens;
    if (expiresAt === undefined || this.#now() < expiresAt - refreshAheadSeconds) return session;
    try {
      return await this.#refreshOnce(open, session);
    } catch (failure) {
      // Due but not over: an outage of Pangea AuthN need not stop what the token is still good for.
      if (failure instanceof UpstreamUnavailableError && this.#now() < expiresAt) return session;
      throw failure;
    }
  }

  #refreshOnce(open: OpenGrant, session: UpstreamSession): Promise<UpstreamSession> {
    const known = this.#refreshing.get(open.grantId);
    if (known !== undefined) return known;
    const refreshing = this.#refresh(open, session).finally(() => {
      if (this.#refreshing.get(open.grantId) === refreshing) this.#refreshing.delete(open.grantId);
    });
    this.#refreshing.set(open.grantId, refreshing);
    return refreshing;
  }

  async #refresh(open: OpenGrant, session: UpstreamSession): Promise<UpstreamSession> {
    const { refreshToken } = session.tokens;
    if (refreshToken === undefined) return this.#endOrUseNewer(open);
    return this.#claims.once(
      open.grantId,
      () => this.#newer(open),
      () => this.#redeem(open, session, refreshToken),
    );
  }

  async #redeem(open: OpenGrant, session: UpstreamSession, refreshToken: string): Promise<UpstreamSession> {
    let renewed: UpstreamSession;
    try {
      renewed = {
        ...session,
        tokens: { ...session.tokens, ...(await this.#configuration.upstream.refresh(refreshToken)) },
      };
    } catch (failure) {
      if (failure instanceof UpstreamRejectedError && failure.error === "invalid_grant")
        return this.#endOrUseNewer(open);
      throw failure;
    }
    await this.#store(open, open.key.sealSession(renewed));
    return renewed;
  }

  /**
   * Stores a refreshed session, and takes it back where the grant was revoked meanwhile. One that the store does not take
   * is good all the same: it is kept here, for the next request to try again.
   */
  async #store(open: OpenGrant, sealed: string): Promise<OpenGrant> {
    const stored = { ...open, grant: { ...open.grant, sealedUpstream: sealed } };
    try {
      await this.#grants.set(open.grantId, stored.grant);
    } catch (failure) {
      if (!(failure instanceof StorageError)) throw failure;
      reportFailure(failure);
      const { before } = this.#unstored.get(open.grantId) ?? { before: open.grant.sealedUpstream };
      this.#unstored.set(open.grantId, { before, sealed });
      return stored;
    }
    this.#unstored.delete(open.grantId);
    if (!(await this.#grants.wasRevoked(open.grantId))) return stored;
    await this.#configuration.upstream.revoke(openSession(stored).tokens).catch(() => {});
    await this.#grants.revoke(open.grantId);
    throw loginOver();
  }

  /** The session that another instance has stored since this one was read, if any. */
  async #newer(open: OpenGrant): Promise<UpstreamSession | undefined> {
    const grant = await this.#grants.get(open.grantId);
    if (grant === undefined) throw loginOver();
    const { sealedUpstream } = grant;
    const isKnown = sealedUpstream === open.grant.sealedUpstream;
    if (isKnown || sealedUpstream === this.#unstored.get(open.grantId)?.before) return undefined;
    return openSession({ ...open, grant });
  }

  /** Where Pangea ends the session while its token is still good, the token is used to its end. */
  async #endOrUseNewer(open: OpenGrant): Promise<UpstreamSession> {
    const newer = await this.#newer(open);
    if (newer !== undefined) return newer;
    const session = openSession(open);
    const { expiresAt } = session.tokens;
    if (expiresAt !== undefined && this.#now() < expiresAt) return session;
    await this.#grants.revoke(open.grantId);
    throw loginOver();
  }

  #now(): number {
    return this.#configuration.clock() / 1000;
  }
}

function openSession({ grant, key }: OpenGrant): UpstreamSession {
  if (grant.sealedUpstream === undefined) throw loginOver();
  return key.openSession(grant.sealedUpstream);
}

function loginOver(): OAuthError {
  return new OAuthError("invalid_token", "The login behind this token is over; the user has to log in again.");
}
