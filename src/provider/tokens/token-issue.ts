import type { AccessToken } from "../../records/access-token.ts";
import type { Grant } from "../../records/grant.ts";
import { accessTokenKey, refreshTokenKey } from "../../records/keys.ts";
import type { RefreshToken } from "../../records/refresh-token.ts";
import { getFresh } from "../../storage/fresh-read.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { markCredential } from "../oauth/grant-credential.ts";
import { offlineAccess } from "../oauth/scopes.ts";
import { type Addition, addOnce } from "./add-once.ts";
import { type Step, successorAccessToken, successorRefreshCore } from "./successor-tokens.ts";
import type { TokenResponse } from "./token-response.ts";

/** What tokens are issued for: a step of a grant, with these scopes, now (in epoch seconds). */
export interface Issuance {
  readonly step: Step;
  readonly grant: Grant;
  readonly scopes: readonly string[];
  readonly now: number;
  /** Until when a repetition gets the same access token, in epoch seconds; undefined for a code. */
  readonly reissuedUntil?: number;
}

/** What `TokenIssue` needs. */
type IssueParts = Pick<ProviderConfiguration, "instance" | "keys" | "lifetimes" | "repositories">;

/**
 * Issues the tokens of a step. Each is added, never set: of any number of requests that issue the same token one writes
 * it, and none brings back a token that was revoked.
 */
export class TokenIssue {
  readonly #parts: IssueParts;

  constructor(parts: IssueParts) {
    this.#parts = parts;
  }

  /** When an access token that is issued now expires, in epoch seconds. */
  accessTokenExpiry(grantExpiresAt: number, now: number): number {
    return Math.ceil(Math.min(now + this.#parts.lifetimes.accessToken, grantExpiresAt));
  }

  /**
   * Until when a refresh that is repeated gets the same access token, in epoch seconds: for as long as an access token lives,
   * from the first answer on, and then the next one for as long again. The record of an access token outlives this time. So
   * nobody issues a token whose record has ended, and a token that was revoked stays revoked without a record that stays.
   *
   * @param firstAnswerAt - When the refresh token was spent, in epoch seconds.
   */
  reissuedUntil(firstAnswerAt: number, now: number): number {
    const { accessToken } = this.#parts.lifetimes;
    // The clock of whoever answered first may be ahead.
    const passed = Math.max(0, Math.floor((now - firstAnswerAt) / accessToken));
    return firstAnswerAt + (passed + 1) * accessToken;
  }

  /** The record of the access token of a step, to be stored by `addAccessToken`. */
  accessTokenRecord({ step, grant, scopes, now, reissuedUntil }: Issuance): AccessToken {
    return {
      clientId: grant.clientId,
      scopes: [...scopes],
      expiresAt: this.accessTokenExpiry(this.endOf(grant), now),
      grantId: step.grantId,
      wrappedKey: step.key.grantKey.wrap(this.#parts.keys, successorAccessToken(step, reissuedUntil)),
      ...redemptionOf(step, grant),
      ...(grant.resource !== undefined && { resource: grant.resource }),
      ...(grant.subject !== undefined && { subject: grant.subject }),
    };
  }

  /** Stores the access token of a step, unless it was stored before. */
  addAccessToken(
    { step, reissuedUntil }: Pick<Issuance, "step" | "reissuedUntil">,
    record: AccessToken,
  ): Promise<Addition<AccessToken>> {
    const key = accessTokenKey(successorAccessToken(step, reissuedUntil));
    return addOnce(this.#parts.repositories.accessTokens, key, record);
  }

  /** The access token of a step as the store has it now, if there is one: another instance may have revoked it. */
  findAccessToken({ step, reissuedUntil }: Pick<Issuance, "step" | "reissuedUntil">): Promise<AccessToken | undefined> {
    return getFresh(this.#parts.repositories.accessTokens, accessTokenKey(successorAccessToken(step, reissuedUntil)));
  }

  /** The record of the refresh token of a step, to be stored by `addRefreshToken`. */
  refreshTokenRecord({ step, grant, scopes, now }: Issuance): RefreshToken {
    return {
      grantId: step.grantId,
      scopes: [...scopes],
      issuedAt: now,
      usableUntil: Math.min(now + this.#parts.lifetimes.refreshToken, this.endOf(grant)),
      expiresAt: grant.expiresAt,
      wrappedKey: step.key.next().wrap(this.#parts.keys, successorRefreshCore(step)),
      issuedBy: this.#parts.instance,
      ...redemptionOf(step, grant),
    };
  }

  /** Stores the refresh token of a step, which spends the one before it, unless that was done before. */
  addRefreshToken(step: Step, record: RefreshToken): Promise<Addition<RefreshToken>> {
    return addOnce(this.#parts.repositories.refreshTokens, refreshTokenKey(step.handle, step.generation + 1), record);
  }

  /**
   * The answer that has the tokens of a step.
   *
   * @param expiresAt - When the access token expires, in epoch seconds.
   */
  response(
    { step, grant, scopes, now, reissuedUntil }: Issuance,
    expiresAt: number,
    hasRefreshToken = true,
  ): TokenResponse {
    const mark = this.#parts.keys.derive("credential mark");
    return {
      access_token: successorAccessToken(step, reissuedUntil),
      token_type: "Bearer",
      expires_in: Math.max(0, Math.floor(expiresAt - now)),
      scope: (grant.offlineAccess ? [...scopes, offlineAccess] : scopes).join(" "),
      ...(hasRefreshToken && { refresh_token: markCredential(mark, successorRefreshCore(step)) }),
    };
  }

  /** When a grant ends, in epoch seconds, by the lifetime of grants as it is set now. The record of a short grant is kept for longer, for as long as its code is. */
  endOf({ createdAt, expiresAt }: Grant): number {
    return Math.min(expiresAt, createdAt + this.#parts.lifetimes.grant);
  }
}

/** The first tokens of a grant say which attempt to redeem its code they belong to. */
function redemptionOf({ generation }: Step, { redemption }: Grant): { readonly redemption?: string } {
  return generation === 0 && redemption !== undefined ? { redemption } : {};
}
