import { OAuthError } from "../../errors.ts";
import type { ClientAuthentication } from "../../records/authorization-code.ts";
import type { Grant } from "../../records/grant.ts";
import { grantIdOf, refreshTokenKey } from "../../records/keys.ts";
import type { RefreshToken } from "../../records/refresh-token.ts";
import type { KeyRing } from "../../secrets/key-ring.ts";
import type { Repository } from "../../storage/contract.ts";
import { emit } from "../events.ts";
import { type Grants, isRevoked } from "../grants/grants.ts";
import { type GrantCredential, readCredential } from "../oauth/grant-credential.ts";
import { checkAudience } from "../oauth/resource.ts";
import { offlineAccess, parseScope, scopesBeyond } from "../oauth/scopes.ts";
import { longestRequestSeconds, requirePrompt } from "./request-time.ts";
import { openStep } from "./step.ts";
import type { Step } from "./successor-tokens.ts";
import type { TokenIssue } from "./token-issue.ts";
import { type TokenResponse, tokenResponse } from "./token-response.ts";

/** What a client shows to refresh. */
export interface RefreshRequest {
  readonly clientId: string;
  readonly refreshToken: string;
  readonly scope: string | undefined;
  readonly resource: string | undefined;
}

/** What refreshing needs. */
export interface RefreshRotationParts {
  readonly repositories: { readonly refreshTokens: Repository<string, RefreshToken> };
  readonly grants: Grants;
  readonly issue: TokenIssue;
  readonly keys: KeyRing;
  readonly resource: string;
  /** The time in epoch seconds. */
  readonly now: () => number;
  /** How long a spent token gets the same answer once its successor was used, in seconds. */
  readonly grace: number;
}

/** What the store has of a refresh token and of those next to it, read in one turn. */
interface Chain {
  readonly grant: Grant | undefined;
  readonly previous: RefreshToken | undefined;
  readonly shown: RefreshToken | undefined;
  /** Is there once the shown token was used. */
  readonly successor: RefreshToken | undefined;
  /** Is there once the successor was used. */
  readonly afterSuccessor: RefreshToken | undefined;
}

/**
 * Redeems refresh tokens, each for a new pair (OAuth 2.1 section 4.3).
 *
 * The tokens of a grant are numbered. A token is spent by one `add`: of the record of the next number. Both tokens of the
 * answer follow from the shown one and its keys. So a client that sends a token twice, or lost the answer, gets the same
 * answer for as long as the successor is unused, and for a grace after that; then a second use ends the grant. Being spent
 * is not a state that anybody could set back.
 */
export class RefreshRotation {
  readonly #parts: RefreshRotationParts;

  constructor(parts: RefreshRotationParts) {
    this.#parts = parts;
  }

  /**
   * Redeems a refresh token.
   *
   * @param authenticate - Says how the client authenticates, or throws where the caller is another.
   * @throws {OAuthError} with `invalid_grant`, `unauthorized_client`, `invalid_scope` or `invalid_target`.
   * @throws {StorageError} when the store fails; the client can come back with its token.
   */
  async refresh<Client extends Pick<ClientAuthentication, "grantTypes">>(
    request: RefreshRequest,
    authenticate: () => Promise<Client>,
  ): Promise<{ readonly tokens: TokenResponse; readonly client: Client }> {
    const began = this.#parts.now();
    const credential = readCredential(
      this.#parts.keys.derive("credential mark"),
      "refresh_token",
      request.refreshToken,
    );
    const [client, chain] = await Promise.all([authenticate(), credential && this.#read(credential)]);
    const grant = chain?.grant;
    if (credential === undefined || chain === undefined || grant?.clientId !== request.clientId) throw unknownToken();
    if (!client.grantTypes.includes("refresh_token")) {
      throw new OAuthError("unauthorized_client", "The client has not registered the refresh_token grant.");
    }
    const step = await this.#open(credential, { ...chain, grant });
    if (grant.resource !== undefined) checkAudience(this.#parts.resource, request.resource, grant.resource);
    const now = this.#parts.now();
    // Whoever was suspended for long must not add what was there, and is gone again.
    requirePrompt(began, now);
    const scopes =
      chain.successor?.scopes ?? (await this.#spend(step, grant, narrowedScopes(grant, request.scope), now));
    const [access] = await this.#all([
      this.#issueAccessToken(step, grant, scopes, now),
      this.#retire(chain.previous, step, now),
    ]);
    requirePrompt(began, this.#parts.now());
    emit("token-refreshed", { clientId: grant.clientId, grantId: step.grantId, subject: grant.subject, scopes });
    const refreshToken = this.#parts.issue.refreshTokenText(step);
    return { tokens: tokenResponse({ ...access, scopes, refreshToken, now }), client };
  }

  async #read(credential: GrantCredential): Promise<Chain> {
    const chain = await this.#readOnce(credential);
    // Not every store reads at one moment: the tokens may have been used between two of the reads.
    return wasRetired(chain) ? this.#readOnce(credential) : chain;
  }

  async #readOnce({ handle, generation }: GrantCredential): Promise<Chain> {
    const { refreshTokens } = this.#parts.repositories;
    const numbered = (number: number) => refreshTokens.get(refreshTokenKey(handle, number));
    const [grant, previous, shown, successor, afterSuccessor] = await Promise.all([
      this.#parts.grants.get(grantIdOf(handle)),
      generation > 1 ? numbered(generation - 1) : undefined,
      numbered(generation),
      numbered(generation + 1),
      numbered(generation + 2),
    ]);
    return { grant, previous, shown, successor, afterSuccessor };
  }

  /** The keys of a token that still gets an answer. */
  async #open(credential: GrantCredential, chain: Chain & { readonly grant: Grant }): Promise<Step> {
    const { keys, grants, grace } = this.#parts;
    const { grant, shown, successor, afterSuccessor } = chain;
    const now = this.#parts.now();
    // The mark says that this server issued the token, so one that is gone was used long ago.
    if (shown === undefined) return this.#refuseReuse(credential, grant, undefined);
    const step = openStep(keys, credential, shown.wrappedKey);
    if (isRevoked(grant)) {
      await grants.endUpstream(step.grantId, grant, { key: step.key.grantKey });
      throw unknownToken();
    }
    if (wasRetired(chain) || (afterSuccessor !== undefined && now >= afterSuccessor.issuedAt + grace)) {
      return this.#refuseReuse(credential, grant, step);
    }
    if ((successor ?? shown).usableUntil <= now || grant.expiresAt <= now) throw unknownToken();
    return step;
  }

  async #refuseReuse({ handle }: GrantCredential, grant: Grant, step: Step | undefined): Promise<never> {
    const { clientId } = grant;
    const grantId = grantIdOf(handle);
    if (isRevoked(grant)) throw unknownToken();
    await this.#parts.grants.revoke(grantId, { key: step?.key.grantKey });
    emit("reuse-detected", { clientId, grantId, credential: "refresh_token" });
    throw new OAuthError("invalid_grant", "The refresh token was used before; the login has been ended.");
  }

  async #issueAccessToken(
    step: Step,
    grant: Grant,
    scopes: readonly string[],
    now: number,
  ): Promise<{ readonly accessToken: string; readonly expiresAt: number }> {
    const { issue } = this.#parts;
    const token = issue.accessTokenRecord(step, grant, scopes, now);
    const { stored } = await issue.addAccessToken(token);
    if (stored?.revokedAt !== undefined) {
      throw new OAuthError("invalid_grant", "The refresh token was used before, and what it led to was revoked.");
    }
    // A token that has expired since it was added is not there any more.
    return { accessToken: token.accessToken, expiresAt: stored?.expiresAt ?? now };
  }

  /**
   * Spends a token, by adding its successor.
   *
   * @returns The scopes of the answer. Of several requests at once, one says which scopes that are.
   */
  async #spend(step: Step, grant: Grant, scopes: readonly string[], now: number): Promise<readonly string[]> {
    const { issue } = this.#parts;
    const { stored } = await issue.addRefreshToken(step, issue.refreshTokenRecord(step, grant, scopes, now));
    if (stored === undefined) throw unknownToken();
    return stored.scopes;
  }

  /**
   * The token before a spent one gets its answer for the grace from now on, and its keys leave the store after that. It is
   * gone before its successor is, which says that it was used: so no answer is given until this was done, by a repetition
   * where it failed at first.
   */
  async #retire(previous: RefreshToken | undefined, step: Step, now: number): Promise<void> {
    const keptUntil = Math.ceil(now + Math.max(this.#parts.grace, longestRequestSeconds));
    if (previous === undefined || previous.expiresAt <= keptUntil) return;
    const key = refreshTokenKey(step.handle, step.generation - 1);
    await this.#parts.repositories.refreshTokens.set(key, { ...previous, expiresAt: keptUntil });
  }

  /** Waits for every write, so that nothing is under way any more when a failure is told. */
  async #all<Writes extends readonly unknown[]>(
    writes: readonly [...Writes],
  ): Promise<{ -readonly [Index in keyof Writes]: Awaited<Writes[Index]> }> {
    await Promise.allSettled(writes);
    return Promise.all(writes);
  }
}

/**
 * True for a token that was used and whose successor was used as well, where both are gone by the clock of another
 * instance. A token that nobody has retired is kept for longer than it is good.
 */
function wasRetired({ shown, successor }: Chain): boolean {
  return shown !== undefined && successor === undefined && shown.expiresAt < shown.usableUntil;
}

function narrowedScopes(grant: Grant, scope: string | undefined): readonly string[] {
  const requested = parseScope(scope).filter((value) => value !== offlineAccess);
  if (requested.length === 0) return grant.scopes;
  if (scopesBeyond(requested, grant.scopes).length > 0) {
    throw new OAuthError("invalid_scope", "A refresh cannot add scopes; start a new authorization for them.");
  }
  return requested;
}

function unknownToken(): OAuthError {
  return new OAuthError("invalid_grant", "The refresh token is not known, has expired or was revoked.");
}
