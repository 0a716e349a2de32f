import { OAuthError } from "../../errors.ts";
import type { IssuedToken } from "../../records/issued-token.ts";
import { accessTokenKey, refreshTokenKey, spentRefreshTokenKey } from "../../records/keys.ts";
import type { RefreshToken } from "../../records/refresh-token.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import type { GrantKey } from "../grants/grant-key.ts";
import type { Grants } from "../grants/grants.ts";
import { isOpaqueToken } from "../oauth/opaque-token.ts";
import { checkAudience } from "../oauth/resource.ts";
import { offlineAccess, parseScope, scopesBeyond } from "../oauth/scopes.ts";
import { type FollowingTokens, followingTokens } from "./successor-tokens.ts";
import { accessTokenRecord, type TokenResponse, tokenResponse } from "./token-records.ts";

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

/** A refresh token that is redeemed, and what is known of it. */
interface Rotation {
  readonly presented: string;
  /** Its record, with the grant that every one of ours has. */
  readonly record: RefreshToken & { readonly grantId: string };
  readonly grantKey: GrantKey | undefined;
  readonly successor: FollowingTokens;
  readonly scopes: readonly string[];
  /** The record of its first use, where this is not that. */
  readonly spent: RefreshToken | undefined;
}

/**
 * Redeems refresh tokens, each for a new pair (OAuth 2.1 section 4.3).
 *
 * The successor follows from the presented token and its grant's key. So a client that sends the same token twice, or
 * lost the answer, gets the same successor within the grace window, without anything being kept in plain text; after it,
 * a second use ends the grant. The records of a successor have the same keys whoever writes them, and being spent is a
 * record of its own: no order of concurrent requests or of failures can bring a spent token back, and an outage at any
 * point loses nobody's login.
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
    if (record.resource !== undefined) checkAudience(this.#configuration.resource, request.resource, record.resource);
    const scopes = narrowedScopes(record, request.scope);
    const grantKey = this.#grants.openKey(grantId, presented, record.wrappedKey);
    const successor = followingTokens(this.#configuration.keys, grantKey, presented);
    const rotation = { presented, record: { ...record, grantId }, grantKey, successor };
    if (spent === undefined) return this.#rotate({ ...rotation, scopes, spent });
    // Asking again gets what the first use got.
    return (await this.#repeat(successor)) ?? this.#rotate({ ...rotation, scopes: spent.scopes, spent });
  }

  async #rotate({ presented, record, grantKey, successor, scopes, spent }: Rotation): Promise<TokenResponse> {
    const { repositories, lifetimes } = this.#configuration;
    const { grantId, clientId, wrappedKey: _, ...rest } = record;
    const [grant, earlier] = await Promise.all([this.#grants.get(grantId), this.#grants.laterTokens(grantId)]);
    if (grant === undefined) throw unknownRefreshToken();

    const now = this.#now();
    const accessKey = accessTokenKey(successor.accessToken);
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
      { key: accessKey, kind: "access_token", expiresAt: access.expiresAt },
      { key: refreshTokenKey(successor.refreshToken), kind: "refresh_token", expiresAt: refresh.expiresAt },
    ];
    const spentKey = spentRefreshTokenKey(successor.refreshToken);
    const { kept, dropped } = this.#keep([...grant.tokens, ...earlier.tokens], issued);
    // Before they leave the list: nothing would remember them.
    await this.#grants.deleteTokens(dropped);
    await Promise.all([
      repositories.accessTokens.set(accessKey, access),
      repositories.refreshTokens.set(refreshTokenKey(successor.refreshToken), refresh),
      this.#grants.setLaterTokens(grantId, grant, { tokens: kept, spentKey }),
    ]);
    // Spent only now: had the writes above failed, the presented token would have to work again.
    await repositories.refreshTokens.set(spentRefreshTokenKey(presented), {
      ...rest,
      clientId,
      grantId,
      scopes: [...scopes],
      rotatedAt: spent?.rotatedAt ?? now,
      successor: { tokens: issued, spentKey },
    });
    // Another request with the same token may have asked for other scopes: the store says which the token has.
    const [stored] = await Promise.all([
      repositories.accessTokens.get(accessKey),
      this.#grants.endIfRevoked(grantId, issued),
      this.#grants.endIfTokenRevoked(accessKey),
    ]);
    const answered = { ...access, scopes: stored?.scopes ?? access.scopes };
    emit("token-refreshed", { clientId, grantId, subject: record.subject, scopes: answered.scopes });
    return tokenResponse(successor.accessToken, answered, successor.refreshToken, now);
  }

  /** The answer that the first use of a spent refresh token got, for a client that lost it or asked twice. */
  async #repeat({ accessToken, refreshToken }: FollowingTokens): Promise<TokenResponse | undefined> {
    const { accessTokens, refreshTokens } = this.#configuration.repositories;
    const [access, refresh] = await Promise.all([
      accessTokens.get(accessTokenKey(accessToken)),
      refreshTokens.get(refreshTokenKey(refreshToken)),
      this.#grants.endIfTokenRevoked(accessTokenKey(accessToken)),
    ]);
    if (access?.expiresAt === undefined || refresh === undefined) return undefined;
    return tokenResponse(accessToken, { ...access, expiresAt: access.expiresAt }, refreshToken, this.#now());
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

  #now(): number {
    return this.#configuration.clock() / 1000;
  }
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
