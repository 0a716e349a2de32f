import type { AccessToken } from "../../records/access-token.ts";
import type { Grant } from "../../records/grant.ts";
import { accessTokenKey, refreshTokenKey } from "../../records/keys.ts";
import type { RefreshToken } from "../../records/refresh-token.ts";
import type { KeyRing } from "../../secrets/key-ring.ts";
import type { Repository } from "../../storage/contract.ts";
import { markCredential } from "../oauth/grant-credential.ts";
import { isUnknown } from "./lost-answer.ts";
import { type Step, successorAccessToken, successorRefreshCore } from "./successor-tokens.ts";

/** A token that was to be stored. */
export interface Addition<Record> {
  /** Whether this call was the one that stored it. */
  readonly isFirst: boolean;
  /** What the store has: what this call stored, or what was there before; undefined where that has expired meanwhile. */
  readonly stored: Record | undefined;
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
        ...redemptionOf(step, grant),
        ...(grant.resource !== undefined && { resource: grant.resource }),
        ...(grant.subject !== undefined && { subject: grant.subject }),
      },
    };
  }

  /** Stores an access token, unless it was stored before. */
  async addAccessToken({ accessToken, record }: AccessTokenToIssue): Promise<Addition<AccessToken>> {
    return addTo(this.#accessTokens, accessTokenKey(accessToken), record);
  }

  /** When a grant ends, in epoch seconds. The record of a short grant is kept for longer, for as long as its code is. */
  #endOf({ createdAt, expiresAt }: Grant): number {
    return Math.min(expiresAt, createdAt + this.#lifetimes.grant);
  }

  /** The stored access token of a step, if there is one. */
  findAccessToken(step: Step): Promise<AccessToken | undefined> {
    return this.#accessTokens.get(accessTokenKey(successorAccessToken(step)));
  }

  /** The record of the refresh token of a step, to be stored by `addRefreshToken`. */
  refreshTokenRecord(step: Step, grant: Grant, scopes: readonly string[], now: number): RefreshToken {
    return {
      grantId: step.grantId,
      scopes: [...scopes],
      issuedAt: now,
      usableUntil: Math.min(now + this.#lifetimes.refreshToken, this.#endOf(grant)),
      expiresAt: grant.expiresAt,
      wrappedKey: step.key.next().wrap(this.#keys, successorRefreshCore(step)),
      ...redemptionOf(step, grant),
    };
  }

  /** Stores the refresh token of a step, which spends the one before it, unless that was done before. */
  addRefreshToken(step: Step, record: RefreshToken): Promise<Addition<RefreshToken>> {
    return addTo(this.#refreshTokens, refreshTokenKey(step.handle, step.generation + 1), record);
  }

  /** The refresh token of a step, as the client gets it. */
  refreshTokenText(step: Step): string {
    return markCredential(this.#keys.derive("credential mark"), successorRefreshCore(step));
  }
}

/** The first tokens of a grant say which attempt to redeem its code they belong to. */
function redemptionOf({ generation }: Step, { redemption }: Grant): { readonly redemption?: string } {
  return generation === 0 && redemption !== undefined ? { redemption } : {};
}

/** Adds a record, and says what is there. Where the answer is lost, the record that is there says whose it is. */
async function addTo<Record extends { readonly wrappedKey?: string }>(
  repository: Repository<string, Record>,
  key: string,
  record: Record,
): Promise<Addition<Record>> {
  try {
    if (await repository.add(key, record)) return { isFirst: true, stored: record };
  } catch (failure) {
    if (!isUnknown(failure)) throw failure;
    const stored = await repository.get(key);
    if (stored === undefined) throw failure;
    // No two records have the same wrapped key.
    return { isFirst: stored.wrappedKey === record.wrappedKey, stored };
  }
  return { isFirst: false, stored: await repository.get(key) };
}
