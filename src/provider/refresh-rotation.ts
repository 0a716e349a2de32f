import { createHmac } from "node:crypto";
import type { IssuedToken } from "../codecs/issued-token.ts";
import type { RefreshToken } from "../codecs/refresh-token.ts";
import { OAuthError, UnsealableError } from "../errors.ts";
import type { DerivedKey } from "../secrets/key-ring.ts";
import { tokenKey } from "../secrets/token-key.ts";
import { checkAudience } from "./authorization-request.ts";
import type { ProviderConfiguration } from "./configuration.ts";
import { emit } from "./events.ts";
import { GrantKey } from "./grant-key.ts";
import type { Grants } from "./grants.ts";
import { reportedOAuthError } from "./oauth-failure.ts";
import { formatOpaqueToken, isOpaqueToken } from "./opaque-token.ts";
import { offlineAccess, parseScope, scopesBeyond } from "./scopes.ts";
import {
  accessTokenRecord,
  refreshTokenKey,
  spentRefreshTokenKey,
  type TokenResponse,
  tokenResponse,
} from "./token-records.ts";

/** A grant keeps this many live access tokens; a client that refreshes faster loses its oldest. */
const maxLiveAccessTokens = 8;

/** What a client shows to refresh. */
export interface RefreshRequest {
  readonly clientId: string;
  readonly grantTypes: readonly string[];
  readonly refreshToken: string;
  readonly scope: string | undefined;
  readonly resource: string | undefined;
}

/** The tokens that follow a refresh token. */
interface Successor {
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** A refresh token's record, with the grant that every one of ours has. */
type GrantedRefreshToken = RefreshToken & { readonly grantId: string };

/**
 * Redeems refresh tokens, each for a new pair (OAuth 2.1 section 4.3).
 *
 * The successor follows from the presented token and the configured secret. So a client that sends the same token twice,
 * or lost the answer, gets the same successor within the grace window, without anything being kept in plain text; after
 * it, a second use ends the grant. The records of a successor are the same whoever writes them (an access token with
 * fewer scopes is another one), and being spent is a record of its own: no order of concurrent requests or of failures
 * can bring a spent token back, and an outage at any point loses nobody's login.
 */
export class RefreshRotation {
  readonly #configuration: ProviderConfiguration;
  readonly #grants: Grants;

  constructor(configuration: ProviderConfiguration, grants: Grants) {
    this.#configuration = configuration;
    this.#grants = grants;
  }

  /**
   * Redeems a refresh token.
   *
   * @throws `OAuthError` with `invalid_grant`, `unauthorized_client`, `invalid_scope` or `invalid_target`,
   * `StorageError` when the store fails.
   */
  async refresh(request: RefreshRequest): Promise<TokenResponse> {
    const { refreshTokens } = this.#configuration.repositories;
    const { clientId, refreshToken: presented } = request;
    if (!isOpaqueToken("refresh_token", presented)) throw unknownRefreshToken();
    const [record, spent] = await Promise.all([
      refreshTokens.get(refreshTokenKey(presented)),
      refreshTokens.get(spentRefreshTokenKey(presented)),
    ]);
    if (record?.grantId === undefined || record.clientId !== clientId) throw unknownRefreshToken();
    const { grantId } = record;
    if (!request.grantTypes.includes("refresh_token")) {
      throw new OAuthError("unauthorized_client", "The client has not registered the refresh_token grant.");
    }
    const spentAt = spent?.rotatedAt;
    if (spentAt !== undefined && this.#now() >= spentAt + this.#configuration.lifetimes.refreshGrace) {
      await this.#grants.revoke(grantId, presented, record.wrappedKey);
      emit("reuse-detected", { clientId, grantId, credential: "refresh_token" });
      throw new OAuthError("invalid_grant", "The refresh token was used before; the login has been ended.");
    }
    if (record.resource !== undefined) checkAudience(this.#configuration, request.resource, record.resource);
    const scopes = narrowedScopes(record, request.scope);
    const granted = { ...record, grantId };
    if (spent === undefined) return this.#rotate(presented, granted, scopes, undefined);
    // Asking again gets what the first use got, or less of it.
    const fewer = scopes.filter((scope) => spent.scopes.includes(scope));
    const again = fewer.length > 0 ? fewer : spent.scopes;
    return (await this.#repeat(presented, again)) ?? this.#rotate(presented, granted, again, spent);
  }

  async #rotate(
    presented: string,
    record: GrantedRefreshToken,
    scopes: readonly string[],
    spent: RefreshToken | undefined,
  ): Promise<TokenResponse> {
    const { repositories, lifetimes } = this.#configuration;
    const { grantId, clientId, wrappedKey, ...rest } = record;
    const [grant, earlier] = await Promise.all([this.#grants.get(grantId), this.#grants.laterTokens(grantId)]);
    if (grant === undefined) throw unknownRefreshToken();

    const now = this.#now();
    const [successor] = this.#successors(presented, scopes);
    const grantKey = wrappedKey === undefined ? undefined : this.#unwrap(grantId, presented, wrappedKey);
    const access = accessTokenRecord(record, {
      grantId,
      scopes,
      expiresAt: Math.min(now + lifetimes.accessToken, grant.expiresAt),
      wrappedKey: grantKey?.wrap(successor.accessToken),
    });
    const refresh: RefreshToken = {
      ...rest,
      clientId,
      grantId,
      expiresAt: Math.min(now + lifetimes.refreshToken, grant.expiresAt),
      ...(grantKey !== undefined && { wrappedKey: grantKey.wrap(successor.refreshToken) }),
    };
    const issued: IssuedToken[] = [
      { key: tokenKey(successor.accessToken), kind: "access_token", expiresAt: access.expiresAt },
      { key: refreshTokenKey(successor.refreshToken), kind: "refresh_token", expiresAt: refresh.expiresAt },
    ];
    const spentKey = spentRefreshTokenKey(successor.refreshToken);
    const { kept, dropped } = this.#keep([...grant.tokens, ...earlier.tokens], issued);
    // Before they leave the list: nothing would remember them.
    await this.#grants.deleteTokens(dropped);
    await Promise.all([
      repositories.accessTokens.set(tokenKey(successor.accessToken), access),
      repositories.refreshTokens.set(refreshTokenKey(successor.refreshToken), refresh),
      this.#grants.setLaterTokens(grantId, grant, { tokens: kept, spentKey }),
    ]);
    // Spent only now: had the writes above failed, the presented token would have to work again.
    await repositories.refreshTokens.set(spentRefreshTokenKey(presented), {
      ...rest,
      clientId,
      grantId,
      scopes: spent?.scopes ?? [...scopes],
      rotatedAt: spent?.rotatedAt ?? now,
      successor: { tokens: [...othersThan(issued, spent?.successor?.tokens ?? []), ...issued], spentKey },
    });
    await Promise.all([this.#grants.endIfRevoked(grantId, issued), this.#grants.endRevokedTokens(issued)]);
    emit("token-refreshed", { clientId, grantId, subject: record.subject, scopes });
    return tokenResponse(successor.accessToken, access, successor.refreshToken, now);
  }

  /** The answer that the first use of a spent refresh token got, for a client that lost it or asked twice. */
  async #repeat(presented: string, scopes: readonly string[]): Promise<TokenResponse | undefined> {
    const { accessTokens, refreshTokens } = this.#configuration.repositories;
    for (const { accessToken, refreshToken } of this.#successors(presented, scopes)) {
      const [access, refresh] = await Promise.all([
        accessTokens.get(tokenKey(accessToken)),
        refreshTokens.get(refreshTokenKey(refreshToken)),
      ]);
      if (access?.expiresAt !== undefined && refresh !== undefined) {
        return tokenResponse(accessToken, { ...access, expiresAt: access.expiresAt }, refreshToken, this.#now());
      }
    }
    return undefined;
  }

  /** The grant's key; a secret that is no longer configured ends the login, since nothing can go on with it. */
  #unwrap(grantId: string, presented: string, wrappedKey: string): GrantKey {
    try {
      return GrantKey.unwrap(this.#configuration.keys, grantId, presented, wrappedKey);
    } catch (failure) {
      if (!(failure instanceof UnsealableError)) throw failure;
      reportedOAuthError(failure);
      throw new OAuthError("invalid_grant", "The secret that the login began under is gone; log in again.");
    }
  }

  #keep(
    known: readonly IssuedToken[],
    issued: readonly IssuedToken[],
  ): { kept: IssuedToken[]; dropped: IssuedToken[] } {
    const now = this.#now();
    const latest = new Map([...known, ...issued].map((token) => [token.key, token]));
    const live = [...latest.values()].filter((token) => token.expiresAt > now);
    const access = live.filter((token) => token.kind === "access_token");
    const dropped = access.slice(0, Math.max(0, access.length - maxLiveAccessTokens));
    const refresh = live.filter((token) => token.kind === "refresh_token").slice(-2);
    return { kept: [...access.slice(dropped.length), ...refresh], dropped };
  }

  /** The pairs that may follow a token: the first under the key that writes, then those under the older keys. */
  #successors(presented: string, scopes: readonly string[]): readonly [Successor, ...Successor[]] {
    const keys = this.#configuration.keys.derive("tokens after refresh");
    const follow = (kind: "access_token" | "refresh_token", key: DerivedKey, from: string): string =>
      formatOpaqueToken(kind, createHmac("sha256", key.bytes).update(`${kind}\0${from}`).digest());
    const pair = (key: DerivedKey): Successor => ({
      accessToken: follow("access_token", key, `${presented}\0${[...scopes].sort().join(" ")}`),
      refreshToken: follow("refresh_token", key, presented),
    });
    return [pair(keys.primary), ...keys.all.slice(1).map(pair)];
  }

  #now(): number {
    return this.#configuration.clock() / 1000;
  }
}

function othersThan(these: readonly IssuedToken[], tokens: readonly IssuedToken[]): IssuedToken[] {
  return tokens.filter(({ key }) => !these.some((token) => token.key === key));
}

function narrowedScopes(record: RefreshToken, scope: string | undefined): readonly string[] {
  const requested = parseScope(scope).filter((value) => value !== offlineAccess);
  if (requested.length === 0) return record.scopes;
  if (scopesBeyond(requested, record.scopes).length > 0) {
    throw new OAuthError("invalid_scope", "A refresh cannot add scopes; start a new authorization for them.");
  }
  return requested;
}

function unknownRefreshToken(): OAuthError {
  return new OAuthError("invalid_grant", "The refresh token is not known, has expired or was revoked.");
}
