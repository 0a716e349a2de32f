import { createHash } from "node:crypto";
import { OAuthError } from "../../errors.ts";
import type { AuthorizationCode, ClientAuthentication } from "../../records/authorization-code.ts";
import type { Grant } from "../../records/grant.ts";
import type { IssuedToken } from "../../records/issued-token.ts";
import {
  accessTokenKey,
  authorizationCodeKey,
  grantIdOfCode,
  refreshTokenKey,
  spentRefreshTokenKey,
} from "../../records/keys.ts";
import type { RefreshToken } from "../../records/refresh-token.ts";
import { isSameText } from "../../secrets/constant-time.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import type { Grants } from "../grants/grants.ts";
import { isOpaqueToken } from "../oauth/opaque-token.ts";
import { checkAudience } from "../oauth/resource.ts";
import { toOAuthError } from "../oauth-failure.ts";
import { followingTokens } from "./successor-tokens.ts";
import { accessTokenRecord, type TokenResponse, tokenResponse } from "./token-records.ts";

/** What a client shows to redeem an authorization code. */
export interface CodeRedemptionRequest {
  readonly clientId: string;
  readonly code: string;
  readonly codeVerifier: string;
  readonly redirectUri: string | undefined;
  readonly resource: string | undefined;
}

/** Redeems authorization codes: each opens one grant. */
export class CodeRedemption {
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
  async redeem(
    request: CodeRedemptionRequest,
    authenticate: (client: ClientAuthentication | undefined) => Promise<void> | void,
  ): Promise<TokenResponse> {
    const { clientId, code } = request;
    const { authorizationCodes } = this.#configuration.repositories;
    const record = isOpaqueToken("authorization_code", code)
      ? await authorizationCodes.take(authorizationCodeKey(code))
      : undefined;
    try {
      await authenticate(record?.clientId === clientId ? record.client : undefined);
    } catch (failure) {
      // Nobody was found to be wrong: the client may come back with its code after the outage.
      if (record !== undefined && toOAuthError(failure).error === "temporarily_unavailable") {
        await authorizationCodes.set(authorizationCodeKey(code), record);
      }
      throw failure;
    }
    if (record === undefined) {
      if (isOpaqueToken("authorization_code", code)) await this.#endReplayed(clientId, code);
      throw new OAuthError("invalid_grant", "The authorization code is not known, has expired or was used before.");
    }
    this.#check(request, record);
    try {
      return await this.#openGrant(code, record);
    } catch (failure) {
      // The client is told to come back, and must be able to: it gets what was to be issued now.
      if (toOAuthError(failure).error === "temporarily_unavailable") await this.#putBack(code, record, failure);
      throw failure;
    }
  }

  async #putBack(code: string, record: AuthorizationCode, failure: unknown): Promise<void> {
    try {
      await this.#configuration.repositories.authorizationCodes.set(authorizationCodeKey(code), record);
    } catch {
      throw failure;
    }
  }

  async #endReplayed(clientId: string, code: string): Promise<void> {
    const grantId = grantIdOfCode(code);
    // Whoever else has found the code must not be able to end its client's login with it, once there is one.
    const grant = await this.#grants.get(grantId);
    if (grant !== undefined && grant.clientId !== clientId) return;
    const ended = await this.#grants.revoke(grantId, code);
    if (ended) emit("reuse-detected", { clientId, grantId, credential: "authorization_code" });
  }

  #check(request: CodeRedemptionRequest, record: AuthorizationCode): void {
    if (record.clientId !== request.clientId) {
      throw new OAuthError("invalid_grant", "The authorization code was issued to another client.");
    }
    const { redirectUri } = request;
    const sameRedirect =
      redirectUri === undefined || (URL.canParse(redirectUri) && new URL(redirectUri).href === record.redirectUri.href);
    if (!sameRedirect) {
      throw new OAuthError("invalid_grant", "The redirect_uri is not the one of the authorization request.");
    }
    if (!isVerifierOf(request.codeVerifier, record.codeChallenge)) {
      throw new OAuthError("invalid_grant", "The code_verifier does not match the code_challenge.");
    }
    if (record.resource !== undefined) checkAudience(this.#configuration.resource, request.resource, record.resource);
  }

  async #openGrant(code: string, record: AuthorizationCode): Promise<TokenResponse> {
    const { repositories, lifetimes, keys, clock } = this.#configuration;
    const { clientId, scopes, resource, subject, sealedUpstream, wrappedKey } = record;
    const grantId = grantIdOfCode(code);
    const now = clock() / 1000;
    const grantExpiresAt = Math.ceil(now + lifetimes.grant);
    const grantKey = this.#grants.openKey(grantId, code, wrappedKey);
    const following = followingTokens(keys, grantKey, code);

    const { accessToken } = following;
    const access = accessTokenRecord(record, {
      grantId,
      scopes,
      expiresAt: Math.min(now + lifetimes.accessToken, grantExpiresAt),
      wrappedKey: grantKey?.wrap(accessToken),
    });
    const issued: IssuedToken[] = [
      { key: accessTokenKey(accessToken), kind: "access_token", expiresAt: access.expiresAt },
    ];
    const writes = [repositories.accessTokens.set(accessTokenKey(accessToken), access)];

    const refreshes = record.client?.grantTypes.includes("refresh_token") ?? false;
    const refreshToken = refreshes ? following.refreshToken : undefined;
    if (refreshToken !== undefined) {
      const refresh: RefreshToken = {
        clientId,
        scopes,
        grantId,
        expiresAt: Math.min(now + lifetimes.refreshToken, grantExpiresAt),
        ...(resource !== undefined && { resource }),
        ...(subject !== undefined && { subject }),
        ...(grantKey !== undefined && { wrappedKey: grantKey.wrap(refreshToken) }),
      };
      issued.push({ key: refreshTokenKey(refreshToken), kind: "refresh_token", expiresAt: refresh.expiresAt });
      writes.push(repositories.refreshTokens.set(refreshTokenKey(refreshToken), refresh));
    }
    const grant: Grant = {
      clientId,
      scopes,
      createdAt: now,
      expiresAt: refreshes ? grantExpiresAt : access.expiresAt,
      tokens: issued,
      ...(refreshToken !== undefined && { spentKey: spentRefreshTokenKey(refreshToken) }),
      ...(resource !== undefined && { resource }),
      ...(subject !== undefined && { subject }),
      ...(sealedUpstream !== undefined && { sealedUpstream }),
      ...(wrappedKey !== undefined && { wrappedKey }),
    };
    writes.push(this.#grants.set(grantId, grant));
    await Promise.all(writes);
    await this.#grants.endIfRevoked(grantId, issued);
    emit("token-issued", { clientId, grantId, subject, scopes });
    return tokenResponse(accessToken, access, refreshToken, now);
  }
}

/** RFC 7636 section 4.6, S256. */
function isVerifierOf(verifier: string, challenge: string): boolean {
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return false;
  return isSameText(createHash("sha256").update(verifier).digest("base64url"), challenge);
}
