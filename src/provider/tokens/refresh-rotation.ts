import { OAuthError } from "../../errors.ts";
import type { ClientAuthentication } from "../../records/authorization-code.ts";
import type { Grant } from "../../records/grant.ts";
import { grantIdOf, refreshTokenKey } from "../../records/keys.ts";
import type { RefreshToken } from "../../records/refresh-token.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import { type Grants, isOfServer, isRevoked } from "../grants/grants.ts";
import { type KnownUpstreams, upstreamOfRecord, upstreamRemoved } from "../grants/upstream-of-record.ts";
import { type GrantCredential, readCredential } from "../oauth/grant-credential.ts";
import { longestRequestSeconds, requirePrompt } from "../oauth/request-time.ts";
import { checkAudience } from "../oauth/resource.ts";
import { narrowedScopes, parseScope } from "../oauth/scopes.ts";
import { refuseUnless } from "../oauth-failure.ts";
import { allDone } from "./add-once.ts";
import { openStep } from "./step.ts";
import type { Step } from "./successor-tokens.ts";
import type { Issuance, TokenIssue } from "./token-issue.ts";
import type { TokenResponse } from "./token-response.ts";

/** What a client shows to refresh. */
export interface RefreshRequest {
  readonly clientId: string;
  /** Whether the client shows a secret or an assertion. Who shows neither and invents a token costs no read of the store. */
  readonly isProven: boolean;
  readonly refreshToken: string;
  readonly scope: string | undefined;
  readonly resource: string | undefined;
}

/** What refreshing needs. */
export type RefreshRotationParts = Pick<
  ProviderConfiguration,
  | "instance"
  | "instanceClockTolerance"
  | "keys"
  | "lifetimes"
  | "now"
  | "onRefreshReuse"
  | "reporter"
  | "repositories"
  | "resource"
  | "scopeHierarchy"
> &
  KnownUpstreams & {
    readonly grants: Grants;
    readonly issue: TokenIssue;
  };

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
 * answer for as long as the successor is unused, and for a grace after that; then a second use ends the grant, unless the
 * server is configured to refuse it only. Being spent is not a state that anybody could set back.
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
   * @throws {OAuthError} with `invalid_grant`, `unauthorized_client` or `invalid_target`.
   * @throws {StorageError} when the store fails; the client can come back with its token.
   */
  async refresh<Client extends Pick<ClientAuthentication, "grantTypes">>(
    request: RefreshRequest,
    authenticate: () => Promise<Client>,
  ): Promise<{ readonly tokens: TokenResponse; readonly client: Client }> {
    const began = this.#parts.now();
    const mark = this.#parts.keys.derive("credential mark");
    const credential = readCredential(mark, "refresh_token", request.refreshToken);
    if (credential === undefined) {
      if (request.isProven) await authenticate();
      throw unknownToken();
    }
    const [client, chain] = await Promise.all([authenticate(), this.#read(credential)]);
    const { grant } = chain;
    if (grant?.clientId !== request.clientId || !isOfServer(grant, this.#parts.resource)) throw unknownToken();
    if (upstreamOfRecord(this.#parts, grant) === undefined) throw upstreamRemoved("invalid_grant");
    const mayRefresh = grant.offlineAccess ?? client.grantTypes.includes("refresh_token");
    refuseUnless(
      mayRefresh,
      "unauthorized_client",
      "The client may not refresh: it has neither registered the refresh_token grant nor got offline_access.",
    );
    const step = await this.#open(credential, { ...chain, grant });
    if (grant.resource !== undefined) checkAudience(this.#parts.resource, request.resource, grant.resource);
    const now = this.#parts.now();
    // Whoever was suspended for long must not add what was there, and is gone again.
    requirePrompt(began, now);
    const successor =
      chain.successor ?? (await this.#spend({ step, grant, scopes: this.#narrowed(grant, request), now }));
    const reissuedUntil = this.#parts.issue.reissuedUntil(successor.issuedAt, now);
    const issuance = { step, grant, scopes: successor.scopes, now, reissuedUntil };
    const [expiresAt] = await allDone([
      this.#issueAccessToken(issuance, chain.successor !== undefined),
      this.#retire(chain.previous, step, now),
    ]);
    requirePrompt(began, this.#parts.now());
    const { clientId, subject, upstreamIssuer } = grant;
    emit("token-refreshed", { clientId, grantId: step.grantId, subject, upstreamIssuer, scopes: successor.scopes });
    const named = request.resource !== undefined && { resource: this.#parts.resource };
    return { tokens: { ...this.#parts.issue.response(issuance, expiresAt), ...named }, client };
  }

  async #read(credential: GrantCredential): Promise<Chain> {
    const chain = await this.#readOnce(credential);
    // Not every store reads at one moment: the tokens may have been used between two of the reads.
    return wasRetired(chain, credential) ? this.#readOnce(credential) : chain;
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
    const { grants, issue } = this.#parts;
    const { grant, shown, successor } = chain;
    const now = this.#parts.now();
    // The mark says that this server issued the token, so one that is gone was used long ago.
    if (shown === undefined) return this.#refuseReuse(credential, grant, undefined);
    const step = openStep(this.#parts, credential, shown.wrappedKey);
    if (isRevoked(grant)) {
      await grants.endUpstream(step.grantId, grant, step.key.grantKey);
      throw unknownToken();
    }
    if (wasRetired(chain, credential) || now >= this.#endOfGrace(chain))
      return this.#refuseReuse(credential, grant, step);
    // No token was made to be usable for longer than its grant, whose lifetime may be shorter by now.
    const { usableUntil } = successor ?? shown;
    if (Math.min(usableUntil, issue.endOf(grant)) > now) return step;
    if (chain.afterSuccessor === undefined && now >= this.#endOfIdleGrant(usableUntil)) {
      await grants.revoke(step.grantId, { grant, key: step.key.grantKey, isOutOfTime: true });
    }
    throw unknownToken();
  }

  /**
   * When nothing of a grant can be alive any more whose latest refresh token ended unused, in epoch seconds: not the access
   * token that was issued at the last moment, nor what a slow clock or a slow request makes of that moment. Whoever shows the
   * refresh token after that is the last one to have the key of the upstream session in hand.
   */
  #endOfIdleGrant(usableUntil: number): number {
    const { instanceClockTolerance, lifetimes } = this.#parts;
    return usableUntil + lifetimes.accessToken + instanceClockTolerance + longestRequestSeconds;
  }

  /**
   * When a token gets its answer for the last time. The use of its successor begins the grace, by the clock of the instance
   * that was shown the successor: another instance adds what its own clock may be ahead of that one.
   */
  #endOfGrace({ afterSuccessor }: Chain): number {
    if (afterSuccessor === undefined) return Number.POSITIVE_INFINITY;
    const { instance, instanceClockTolerance, lifetimes } = this.#parts;
    const tolerance = afterSuccessor.issuedBy === instance ? 0 : instanceClockTolerance;
    return afterSuccessor.issuedAt + lifetimes.refreshGrace + tolerance;
  }

  async #refuseReuse({ handle }: GrantCredential, grant: Grant, step: Step | undefined): Promise<never> {
    const { clientId } = grant;
    const grantId = grantIdOf(handle);
    if (isRevoked(grant)) throw unknownToken();
    const ends = this.#parts.onRefreshReuse === "end-grant";
    if (ends) await this.#parts.grants.revoke(grantId, { key: step?.key.grantKey });
    this.#parts.reporter.tell("reuse-detected", { clientId, grantId, credential: "refresh_token" });
    const consequence = ends ? "; the login has been ended" : "";
    throw new OAuthError("invalid_grant", `The refresh token was used before${consequence}.`);
  }

  /** When the access token of an answer expires, in epoch seconds. A repetition looks before it adds one. */
  async #issueAccessToken(issuance: Issuance, isRepeated: boolean): Promise<number> {
    const { issue } = this.#parts;
    const found = isRepeated ? await issue.findAccessToken(issuance) : undefined;
    const stored = found ?? (await issue.addAccessToken(issuance, issue.accessTokenRecord(issuance))).stored;
    if (stored?.revokedAt !== undefined) {
      throw new OAuthError("invalid_grant", "The refresh token was used before, and what it led to was revoked.");
    }
    // A token that has expired since it was added is not there any more.
    return stored?.expiresAt ?? issuance.now;
  }

  /** Spends a token, by adding its successor. Of several requests at once, one says which scopes that has. */
  async #spend(issuance: Issuance): Promise<RefreshToken> {
    const { issue } = this.#parts;
    const { stored } = await issue.addRefreshToken(issuance.step, issue.refreshTokenRecord(issuance));
    if (stored === undefined) throw unknownToken();
    return stored;
  }

  /**
   * The scopes that a refresh asks for, of those of its grant and what they imply. A refresh never adds any (RFC 6749
   * section 6): what it asks for beyond its grant is left out, since clients repeat here what they asked for at the login
   * and were not given.
   */
  #narrowed({ scopes }: Grant, { scope }: RefreshRequest): readonly string[] {
    return narrowedScopes(parseScope(scope), this.#parts.scopeHierarchy.withImplied(scopes), scopes);
  }

  /**
   * The token before a spent one gets its answer for the grace from now on, and its keys leave the store after that. It is
   * gone before its successor is, which says that it was used: so no answer is given until this was done, by a repetition
   * where it failed at first. The record says so in a word, since by another clock the end of a record tells nothing.
   */
  async #retire(previous: RefreshToken | undefined, step: Step, now: number): Promise<void> {
    const { instanceClockTolerance, lifetimes } = this.#parts;
    // By the clock of another instance, too, it is there for as long as a request may have known it as unused.
    const longest = Math.max(lifetimes.refreshGrace, longestRequestSeconds) + instanceClockTolerance;
    const keptUntil = Math.ceil(now + longest);
    if (previous === undefined || previous.retired === true) return;
    const key = refreshTokenKey(step.handle, step.generation - 1);
    const expiresAt = Math.min(previous.expiresAt, keptUntil);
    await this.#parts.repositories.refreshTokens.set(key, { ...previous, expiresAt, retired: true });
  }
}

/**
 * True for a token that was used and whose successor was used as well, where what says so is gone by the clock of another
 * instance: its grace is over then. A token before the unused one stays until that is used: so where it is retired or gone, what
 * is shown was used, whoever has written it again.
 */
function wasRetired({ previous, shown, successor, afterSuccessor }: Chain, { generation }: GrantCredential): boolean {
  if (shown === undefined || (successor !== undefined && afterSuccessor !== undefined)) return false;
  if (isRetired(shown)) return true;
  return generation > 1 && successor === undefined && (previous === undefined || isRetired(previous));
}

/**
 * Earlier versions retired a token by the end of its record alone: one that nobody has retired is kept for longer than it is
 * good.
 */
function isRetired({ retired, expiresAt, usableUntil }: RefreshToken): boolean {
  return retired === true || expiresAt < usableUntil;
}

function unknownToken(): OAuthError {
  return new OAuthError("invalid_grant", "The refresh token is not known, has expired or was revoked.");
}
