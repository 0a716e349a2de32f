import type { AccessToken } from "../../records/access-token.ts";
import type { Grant } from "../../records/grant.ts";
import { accessTokenKey, refreshTokenKey } from "../../records/keys.ts";
import type { RefreshToken } from "../../records/refresh-token.ts";
import type { KeyRing } from "../../secrets/key-ring.ts";
import type { Repository } from "../../storage/contract.ts";
import { markCredential } from "../oauth/grant-credential.ts";
import { type Step, successorAccessToken, successorRefreshCore } from "./successor-tokens.ts";

/** An access token that is stored. `expiresAt` is in epoch seconds. */
export interface IssuedAccessToken {
  readonly accessToken: string;
  readonly expiresAt: number;
  /** Whether this call was the one that stored it. */
  readonly isFirst: boolean;
  /** Whether its client has revoked it since it was first stored. */
  readonly isRevoked: boolean;
}

/** An access token, and what is to be stored of it. */
export interface AccessTokenToIssue {
  readonly accessToken: string;
  readonly record: AccessToken & { readonly expiresAt: number; readonly wrappedKey: string };
}

/**
 * Issues the tokens of a step. Each is added, never set: of any number of requests that issue the same token one writes
 * it, and none brings back a token that was revoked.
 */
export class TokenIssue {
  readonly #accessTokens: Repository<string, AccessToken>;
  readonly #refreshTokens: Repository<string, RefreshToken>;
  readonly #keys: KeyRing;
  readonly #lifetimes: { readonly accessToken: number; readonly refreshToken: number; readonly grant: number };

  constructor(parts: {
    readonly repositories: {
      readonly accessTokens: Repository<string, AccessToken>;
      readonly refreshTokens: Repository<string, RefreshToken>;
    };
    readonly keys: KeyRing;
    /** In seconds. */
    readonly lifetimes: { readonly accessToken: number; readonly refreshToken: number; readonly grant: number };
  }) {
    this.#accessTokens = parts.repositories.accessTokens;
    this.#refreshTokens = parts.repositories.refreshTokens;
    this.#keys = parts.keys;
    this.#lifetimes = parts.lifetimes;
  }

  /** When an access token that is issued now expires, in epoch seconds. */
  accessTokenExpiry(grantExpiresAt: number, now: number): number {
    return Math.ceil(Math.min(now + this.#lifetimes.accessToken, grantExpiresAt));
  }

  /** The record of the access token of a step, to be stored by `addAccessToken`. */
  accessTokenRecord(step: Step, grant: Grant, scopes: readonly string[], now: number): AccessTokenToIssue {
    const accessToken = successorAccessToken(step);
    return {
      accessToken,
      record: {
        clientId: grant.clientId,
        scopes: [...scopes],
        expiresAt: this.accessTokenExpiry(this.#endOf(grant), now),
        grantId: step.grantId,
        wrappedKey: step.key.grantKey.wrap(this.#keys, accessToken),
        ...(grant.resource !== undefined && { resource: grant.resource }),
        ...(grant.subject !== undefined && { subject: grant.subject }),
      },
    };
  }

  /** Stores an access token, unless it was stored before: then it says what is there. */
  async addAccessToken({ accessToken, record }: AccessTokenToIssue): Promise<IssuedAccessToken> {
    const { expiresAt } = record;
    const key = accessTokenKey(accessToken);
    if (await this.#accessTokens.add(key, record)) return { accessToken, expiresAt, isFirst: true, isRevoked: false };
    const stored = await this.#accessTokens.get(key);
    return {
      accessToken,
      // One that has expired meanwhile is not there any more.
      expiresAt: stored?.expiresAt ?? 0,
      isFirst: false,
      isRevoked: stored?.revokedAt !== undefined,
    };
  }

  /** When a grant ends, in epoch seconds. The record of a short grant is kept for longer, for as long as its code is. */
  #endOf({ createdAt, expiresAt }: Grant): number {
    return Math.min(expiresAt, createdAt + this.#lifetimes.grant);
  }

  /** The stored access token of a step, if there is one. */
  findAccessToken(step: Step): Promise<AccessToken | undefined> {
    return this.#accessTokens.get(accessTokenKey(successorAccessToken(step)));
  }

  /** Stores the refresh token of a step, which spends the one before it; false where that was done before. */
  refreshToken(step: Step, grant: Grant, scopes: readonly string[], now: number): Promise<boolean> {
    return this.#refreshTokens.add(refreshTokenKey(step.handle, step.generation + 1), {
      grantId: step.grantId,
      scopes: [...scopes],
      issuedAt: now,
      usableUntil: Math.min(now + this.#lifetimes.refreshToken, this.#endOf(grant)),
      expiresAt: grant.expiresAt,
      wrappedKey: step.key.next().wrap(this.#keys, successorRefreshCore(step)),
    });
  }

  /** The refresh token of a step, as the client gets it. */
  refreshTokenText(step: Step): string {
    return markCredential(this.#keys.derive("credential mark"), successorRefreshCore(step));
  }
}
