import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { AccessToken } from "../codecs/access-token.ts";
import type { AuthorizationCode, ClientAuthentication } from "../codecs/authorization-code.ts";
import type { Grant } from "../codecs/grant.ts";
import type { RefreshToken } from "../codecs/refresh-token.ts";
import { OAuthError } from "../errors.ts";
import { labelledTokenKey, tokenKey } from "../secrets/token-key.ts";
import { checkResource } from "./authorization-request.ts";
import type { ProviderConfiguration } from "./configuration.ts";
import type { Grants, IssuedToken } from "./grants.ts";
import { authorizationCodeKey } from "./login.ts";
import { formatOpaqueToken, isOpaqueToken } from "./opaque-token.ts";
import { isSameResource } from "./resource.ts";
import { offlineAccess, parseScope, scopesBeyond } from "./scopes.ts";

/** A grant keeps this many live access tokens; a client that refreshes faster loses its oldest. */
const maxLiveAccessTokens = 8;

/** A token response (RFC 6749 section 5.1). */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: "Bearer";
  /** In seconds. */
  readonly expires_in: number;
  readonly scope: string;
  readonly refresh_token?: string;
}

/** What a client shows to redeem an authorization code. */
export interface CodeRedemption {
  readonly clientId: string;
  readonly code: string;
  readonly codeVerifier: string;
  readonly redirectUri: string | undefined;
  readonly resource: string | undefined;
}

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

/** Issues access and refresh tokens for authorization codes and refresh tokens. */
export class TokenIssuer {
  readonly #configuration: ProviderConfiguration;
  readonly #grants: Grants;

  constructor(configuration: ProviderConfiguration, grants: Grants) {
    this.#configuration = configuration;
    this.#grants = grants;
  }

  /**
   * Redeems an authorization code. It is taken from the store first, so that any wrong attempt burns it; a second use
   * ends what the first one issued (OAuth 2.1 section 4.1.3).
   *
   * @param authenticate - Called with what the code's record knows of its client; throws where the caller is another.
   * @throws `OAuthError` with `invalid_grant` or `invalid_target`, `StorageError` when the store fails.
   */
  async redeemCode(
    redemption: CodeRedemption,
    authenticate: (client: ClientAuthentication | undefined) => Promise<void> | void,
  ): Promise<TokenResponse> {
    const { code } = redemption;
    const record = isOpaqueToken("authorization_code", code)
      ? await this.#configuration.repositories.authorizationCodes.take(authorizationCodeKey(code))
      : undefined;
    await authenticate(record?.clientId === redemption.clientId ? record.client : undefined);
    if (record === undefined) {
      // A second use ends what the first one opened, if there was a first one.
      if (isOpaqueToken("authorization_code", code)) await this.#grants.revoke(this.#grants.idForCode(code));
      throw new OAuthError("invalid_grant", "The authorization code is not known, has expired or was used before.");
    }
    this.#checkRedemption(redemption, record);
    return this.#openGrant(this.#grants.idForCode(code), record);
  }

  /**
   * Redeems a refresh token for a new pair (OAuth 2.1 section 4.3). The successor follows from the presented token and
   * the configured secret, so a client that sends the same token twice, or lost the answer, gets the same successor
   * within the grace window without anything being kept in plain text; after it, a second use ends the grant.
   *
   * The records of a successor are the same whoever writes them, and being spent is a record of its own: no order of
   * concurrent requests or of failures can bring a spent token back, and an outage at any point loses nobody's login.
   *
   * @throws `OAuthError` with `invalid_grant`, `unauthorized_client`, `invalid_scope` or `invalid_target`,
   * `StorageError` when the store fails.
   */
  async refresh(request: RefreshRequest): Promise<TokenResponse> {
    const { refreshTokens } = this.#configuration.repositories;
    const presented = request.refreshToken;
    if (!isOpaqueToken("refresh_token", presented)) throw unknownRefreshToken();
    const [record, spent] = await Promise.all([
      refreshTokens.get(refreshTokenKey(presented)),
      refreshTokens.get(spentKey(presented)),
    ]);
    if (record?.grantId === undefined || record.clientId !== request.clientId) throw unknownRefreshToken();
    if (!request.grantTypes.includes("refresh_token")) {
      throw new OAuthError("unauthorized_client", "The client has not registered the refresh_token grant.");
    }
    const spentAt = spent?.rotatedAt;
    if (spentAt !== undefined && this.#now() >= spentAt + this.#configuration.lifetimes.refreshGrace) {
      await this.#grants.revoke(record.grantId);
      throw new OAuthError("invalid_grant", "The refresh token was used before; the login has been ended.");
    }
    if (record.resource !== undefined) this.#checkAudience(request.resource, record.resource);
    const scopes = this.#narrow(record, request.scope);
    if (spentAt !== undefined) return this.#repeat(presented);
    return this.#rotate(presented, { ...record, grantId: record.grantId }, scopes);
  }

  async #rotate(
    presented: string,
    record: RefreshToken & { readonly grantId: string },
    scopes: readonly string[],
  ): Promise<TokenResponse> {
    const { repositories, lifetimes } = this.#configuration;
    const { grantId } = record;
    const [grant, earlier] = await Promise.all([this.#grants.get(grantId), this.#grants.laterTokens(grantId)]);
    if (grant === undefined) throw unknownRefreshToken();

    const now = this.#now();
    const [successor] = this.#successors(presented);
    const access = this.#accessToken(record, grantId, scopes, now);
    const refresh: RefreshToken = { ...record, expiresAt: Math.min(now + lifetimes.refreshToken, grant.expiresAt) };
    const issued: IssuedToken[] = [
      { key: tokenKey(successor.accessToken), kind: "access_token", expiresAt: access.expiresAt },
      { key: refreshTokenKey(successor.refreshToken), kind: "refresh_token", expiresAt: refresh.expiresAt },
    ];
    const { kept, dropped } = this.#keep([...grant.tokens, ...earlier], issued);
    await Promise.all([
      repositories.accessTokens.set(tokenKey(successor.accessToken), access),
      repositories.refreshTokens.set(refreshTokenKey(successor.refreshToken), refresh),
      this.#grants.setLaterTokens(grantId, grant, kept),
    ]);
    // Spent only now: had the writes above failed, the presented token would have to work again.
    await Promise.all([
      repositories.refreshTokens.set(spentKey(presented), { ...record, rotatedAt: now }),
      this.#grants.deleteTokens(dropped),
    ]);
    await this.#endIfRevoked(grantId, issued);
    return this.#response(successor.accessToken, access, successor.refreshToken);
  }

  /** The answer that the first use of a spent refresh token got, for a client that lost it or asked twice. */
  async #repeat(presented: string): Promise<TokenResponse> {
    const { accessTokens, refreshTokens } = this.#configuration.repositories;
    for (const { accessToken, refreshToken } of this.#successors(presented)) {
      const [access, refresh] = await Promise.all([
        accessTokens.get(tokenKey(accessToken)),
        refreshTokens.get(refreshTokenKey(refreshToken)),
      ]);
      if (access?.expiresAt !== undefined && refresh !== undefined) {
        return this.#response(accessToken, { ...access, expiresAt: access.expiresAt }, refreshToken);
      }
    }
    throw unknownRefreshToken();
  }

  async #openGrant(grantId: string, code: AuthorizationCode): Promise<TokenResponse> {
    const { repositories, lifetimes } = this.#configuration;
    const now = this.#now();
    const grantExpiresAt = now + lifetimes.grant;
    const accessToken = formatOpaqueToken("access_token", randomBytes(32));
    const access = this.#accessToken(code, grantId, code.scopes, now);
    const issued: IssuedToken[] = [{ key: tokenKey(accessToken), kind: "access_token", expiresAt: access.expiresAt }];
    const writes = [repositories.accessTokens.set(tokenKey(accessToken), access)];

    const refreshes = code.client?.grantTypes.includes("refresh_token") ?? false;
    const refreshToken = refreshes ? formatOpaqueToken("refresh_token", randomBytes(32)) : undefined;
    if (refreshToken !== undefined) {
      const refresh: RefreshToken = {
        clientId: code.clientId,
        scopes: code.scopes,
        grantId,
        expiresAt: Math.min(now + lifetimes.refreshToken, grantExpiresAt),
        ...(code.resource !== undefined && { resource: code.resource }),
        ...(code.subject !== undefined && { subject: code.subject }),
      };
      issued.push({ key: refreshTokenKey(refreshToken), kind: "refresh_token", expiresAt: refresh.expiresAt });
      writes.push(repositories.refreshTokens.set(refreshTokenKey(refreshToken), refresh));
    }
    const grant: Grant = {
      clientId: code.clientId,
      scopes: code.scopes,
      createdAt: now,
      expiresAt: refreshes ? grantExpiresAt : access.expiresAt,
      tokens: issued,
      ...(code.resource !== undefined && { resource: code.resource }),
      ...(code.subject !== undefined && { subject: code.subject }),
      ...(code.username !== undefined && { username: code.username }),
      ...(code.email !== undefined && { email: code.email }),
      ...(code.upstream !== undefined && { upstream: code.upstream }),
    };
    writes.push(this.#grants.set(grantId, grant));
    await Promise.all(writes);
    await this.#endIfRevoked(grantId, issued);
    return this.#response(accessToken, access, refreshToken);
  }

  #accessToken(
    source: Pick<AuthorizationCode | RefreshToken, "clientId" | "resource" | "subject">,
    grantId: string,
    scopes: readonly string[],
    issuedAt: number,
  ): AccessToken & { readonly expiresAt: number } {
    return {
      clientId: source.clientId,
      scopes: [...scopes],
      expiresAt: Math.ceil(issuedAt + this.#configuration.lifetimes.accessToken),
      grantId,
      ...(source.resource !== undefined && { resource: source.resource }),
      ...(source.subject !== undefined && { subject: source.subject }),
    };
  }

  #checkRedemption(redemption: CodeRedemption, record: AuthorizationCode): void {
    if (record.clientId !== redemption.clientId) {
      throw new OAuthError("invalid_grant", "The authorization code was issued to another client.");
    }
    const { redirectUri } = redemption;
    const sameRedirect =
      redirectUri === undefined || (URL.canParse(redirectUri) && new URL(redirectUri).href === record.redirectUri.href);
    if (!sameRedirect) {
      throw new OAuthError("invalid_grant", "The redirect_uri is not the one of the authorization request.");
    }
    if (!isVerifierOf(redemption.codeVerifier, record.codeChallenge)) {
      throw new OAuthError("invalid_grant", "The code_verifier does not match the code_challenge.");
    }
    if (record.resource !== undefined) this.#checkAudience(redemption.resource, record.resource);
  }

  #checkAudience(requested: string | undefined, audience: URL): void {
    if (requested === undefined) return;
    checkResource(this.#configuration, requested);
    if (!isSameResource(requested, audience)) {
      throw new OAuthError("invalid_target", "The resource is not the one that was authorized.");
    }
  }

  #narrow(record: RefreshToken, scope: string | undefined): readonly string[] {
    const requested = parseScope(scope).filter((value) => value !== offlineAccess);
    if (requested.length === 0) return record.scopes;
    if (scopesBeyond(requested, record.scopes).length > 0) {
      throw new OAuthError("invalid_scope", "A refresh cannot add scopes; start a new authorization for them.");
    }
    return requested;
  }

  /** Takes back what was just written where the grant was revoked meanwhile (see `Grants`). */
  async #endIfRevoked(grantId: string, issued: readonly IssuedToken[]): Promise<void> {
    if (!(await this.#grants.isRevoked(grantId))) return;
    await this.#grants.deleteTokens(issued);
    await this.#grants.revoke(grantId);
    throw new OAuthError("invalid_grant", "The login was ended while the request was under way.");
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

  /** The pairs of tokens that may follow the presented one: the first under the key that writes, then the older keys. */
  #successors(presented: string): readonly [Successor, ...Successor[]] {
    const { keys } = this.#configuration;
    const follow = (kind: "access_token" | "refresh_token", key: { readonly bytes: Uint8Array }): string =>
      formatOpaqueToken(kind, createHmac("sha256", key.bytes).update(presented).digest());
    const accessKeys = keys.derive("access token after refresh");
    const refreshKeys = keys.derive("refresh token after refresh");
    const pair = (
      accessKey: { readonly bytes: Uint8Array },
      refreshKey: { readonly bytes: Uint8Array },
    ): Successor => ({
      accessToken: follow("access_token", accessKey),
      refreshToken: follow("refresh_token", refreshKey),
    });
    const older = accessKeys.all.slice(1).flatMap((accessKey, index) => {
      const refreshKey = refreshKeys.all[index + 1];
      return refreshKey === undefined ? [] : [pair(accessKey, refreshKey)];
    });
    return [pair(accessKeys.primary, refreshKeys.primary), ...older];
  }

  #response(accessToken: string, access: AccessToken & { expiresAt: number }, refreshToken?: string): TokenResponse {
    return {
      access_token: accessToken,
      token_type: "Bearer",
      expires_in: Math.max(0, Math.floor(access.expiresAt - this.#now())),
      scope: access.scopes.join(" "),
      ...(refreshToken !== undefined && { refresh_token: refreshToken }),
    };
  }

  #now(): number {
    return this.#configuration.clock() / 1000;
  }
}

/** The storage key of a refresh token. */
export function refreshTokenKey(token: string): string {
  return labelledTokenKey("refresh token", token);
}

function spentKey(token: string): string {
  return labelledTokenKey("spent refresh token", token);
}

function unknownRefreshToken(): OAuthError {
  return new OAuthError("invalid_grant", "The refresh token is not known, has expired or was revoked.");
}

/** RFC 7636 section 4.6, S256. */
function isVerifierOf(verifier: string, challenge: string): boolean {
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return false;
  const expected = Buffer.from(challenge);
  const actual = Buffer.from(createHash("sha256").update(verifier).digest("base64url"));
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
