import { hash, randomUUID } from "node:crypto";
import { OAuthError } from "../../errors.ts";
import type { AccessToken } from "../../records/access-token.ts";
import type { AuthorizationCode, ClientAuthentication } from "../../records/authorization-code.ts";
import type { Grant } from "../../records/grant.ts";
import { authorizationCodeKey, grantIdOf, refreshTokenKey } from "../../records/keys.ts";
import type { RefreshToken } from "../../records/refresh-token.ts";
import { isSameText } from "../../secrets/constant-time.ts";
import { boundedCache } from "../../storage/bounded-cache.ts";
import { type ClientPresentation, redirectPlace } from "../clients/client-presentation.ts";
import type { ClientRegistry } from "../clients/client-registry.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import { type Grants, isOfServer } from "../grants/grants.ts";
import { type KnownUpstreams, upstreamOfRecord, upstreamRemoved } from "../grants/upstream-of-record.ts";
import { readCredential } from "../oauth/grant-credential.ts";
import { longestRequestSeconds, requirePrompt } from "../oauth/request-time.ts";
import { checkAudience } from "../oauth/resource.ts";
import { refuseUnless } from "../oauth-failure.ts";
import { addOnce, allDone } from "./add-once.ts";
import { CodeUses } from "./code-uses.ts";
import { openStep } from "./step.ts";
import type { Step } from "./successor-tokens.ts";
import type { Issuance, TokenIssue } from "./token-issue.ts";
import type { TokenResponse } from "./token-response.ts";

/** How many codes this instance remembers that it began to redeem and gave no answer for. */
const maxUnanswered = 10_000;

/** What a client shows to redeem an authorization code. */
export interface CodeRedemptionRequest {
  readonly clientId: string;
  /** Whether the client shows a secret or an assertion. Who shows neither and invents a code costs no read of the store. */
  readonly isProven: boolean;
  readonly code: string;
  readonly codeVerifier: string;
  readonly redirectUri: string | undefined;
  readonly resource: string | undefined;
}

/** What is answered to a redeemed code. */
export interface RedeemedCode {
  readonly tokens: TokenResponse;
  /** How the client authenticates, as `authenticate` said. */
  readonly client: ClientAuthentication | undefined;
}

/** What redemption needs. */
export type CodeRedemptionParts = Pick<
  ProviderConfiguration,
  "instance" | "instanceClockTolerance" | "keys" | "lifetimes" | "now" | "reporter" | "repositories" | "resource"
> &
  KnownUpstreams & {
    readonly grants: Grants;
    readonly issue: TokenIssue;
    readonly registry: Pick<ClientRegistry, "presented">;
  };

/** What was found beside a code. */
interface Found {
  readonly grant: Grant | undefined;
  readonly refreshToken: RefreshToken | undefined;
  /** What people are told of the client. */
  readonly presentation: ClientPresentation;
}

/** What is left to be done for a code that was not used yet. */
interface Attempt extends Issuance {
  readonly record: AuthorizationCode;
  /** Whether the grant, and the refresh token that the client may have, were found missing. */
  readonly addsGrant: boolean;
  readonly addsRefreshToken: boolean;
  /** The access token that was found, if any. */
  readonly found: AccessToken | undefined;
  /** What has decided, where everything is there and this instance alone can be the one that answers. */
  readonly unanswered: string | undefined;
}

/** What is known of a code that is not good, or not any more. */
interface Replay {
  /** Who shows the code. */
  readonly clientId: string;
  readonly grantId: string;
  readonly grant: Grant | undefined;
  readonly record: AuthorizationCode | undefined;
  readonly step?: Step;
}

/**
 * Redeems authorization codes: each opens one grant.
 *
 * A redemption adds three records: the grant, its first refresh token and its first access token. The code's own record
 * stays, and ends by itself. The code counts as used once all three are there.
 *
 * An attempt that finds some of the three missing adds those. What decides is the first of them in this order: grant, access
 * token, refresh token. The attempt that adds the grant names itself in the grant; a token names the attempt of its grant
 * only where the token is what decides. An attempt answers if it added what decides, and if none of what else it found
 * missing was added by an attempt for which that decides: such an attempt came later, and answers in its place. So of any
 * number of attempts one answers, whatever comes in between; an attempt that failed halfway is taken up by the next one,
 * and a token that a failed attempt has left behind is as good as one's own. An attempt that does not answer is a second
 * use of the code, and ends what the first one issued (OAuth 2.1 section 4.1.3).
 */
export class CodeRedemption {
  readonly #parts: CodeRedemptionParts;
  /**
   * What this instance may have added to decide about a code without an answer: the name of an attempt, or the wrapped key of
   * a token. No two are the same, so the store tells whether it was added, and of several attempts at a code which it was.
   */
  readonly #unanswered = boundedCache<string, true>(maxUnanswered);
  readonly #uses = new CodeUses();

  constructor(parts: CodeRedemptionParts) {
    this.#parts = parts;
  }

  /**
   * Redeems an authorization code. An attempt that is refused leaves the code for its owner.
   *
   * @param authenticate - Says how the client authenticates, or throws where the caller is another. It is called with
   * what the code's record knows of its client.
   * @throws {OAuthError} with `invalid_grant` or `invalid_target`.
   * @throws {StorageError} when the store fails; the client can come back with its code.
   */
  async redeem(
    request: CodeRedemptionRequest,
    authenticate: (client: ClientAuthentication | undefined) => Promise<ClientAuthentication | undefined>,
  ): Promise<RedeemedCode> {
    const began = this.#parts.now();
    const number = this.#uses.begin();
    const credential = readCredential(this.#parts.keys.derive("credential mark"), "authorization_code", request.code);
    if (credential === undefined) {
      if (request.isProven) await authenticate(undefined);
      throw unknownCode();
    }
    const { handle } = credential;
    const { authorizationCodes, refreshTokens } = this.#parts.repositories;
    const [record, grant, refreshToken, presentation] = await Promise.all([
      authorizationCodes.get(authorizationCodeKey(handle)),
      this.#parts.grants.get(grantIdOf(handle)),
      refreshTokens.get(refreshTokenKey(handle, 1)),
      this.#parts.registry.presented(request.clientId),
    ]);
    const client = await authenticate(record?.clientId === request.clientId ? record.client : undefined);
    const replay = { clientId: request.clientId, grantId: grantIdOf(handle), grant, record };
    if (record !== undefined && !isOfServer(record, this.#parts.resource)) throw unknownCode();
    if (record === undefined) return this.#refuseReplay(replay);
    if (upstreamOfRecord(this.#parts, record) === undefined) throw upstreamRemoved("invalid_grant");
    const step = openStep(this.#parts, credential, record.wrappedKey);
    if (this.#isOver(record, began)) return this.#refuseLate(request, { ...replay, record, step }, number);
    const attempt = await this.#attempt(step, record, { grant, refreshToken, presentation });
    const isSecondUse = attempt === undefined && this.#uses.isAfterAnswer(step.grantId, number);
    if (!isSecondUse) this.#check(request, record);
    if (attempt === undefined) return this.#refuseReplay({ ...replay, step });
    // Whoever was suspended for long must not add what was there, and is gone again.
    requirePrompt(began, this.#parts.now());
    const tokens = await this.#uses.answer(step.grantId, () => this.#answer(attempt));
    const ended = this.#parts.now();
    requirePrompt(began, ended);
    // Whoever has ended everything meanwhile has found no code any more, and no grant yet.
    if (ended >= record.expiresAt) return this.#refuseReplay({ ...replay, grant: attempt.grant, step }, true);
    const namesResource = request.resource !== undefined || record.namesResource === true;
    return { tokens: { ...tokens, ...(namesResource && { resource: this.#parts.resource }) }, client };
  }

  /**
   * Whether a code has ended by the clock of the instance that issued it. Another instance's clock may be ahead of that one,
   * so there the code lives as long as its record.
   */
  #isOver({ endsAt, issuedBy }: AuthorizationCode, now: number): boolean {
    return issuedBy === this.#parts.instance && endsAt !== undefined && now >= endsAt;
  }

  /**
   * A code that is shown too late ends the upstream session that waits for it: nobody else will ever have its key in hand.
   * Another instance by whose clock the code lives finds the tombstone. Where the code was not used before, that takes
   * everything that a redemption takes: whoever has found the code must not be quicker than its client there.
   */
  async #refuseLate(request: CodeRedemptionRequest, replay: Replay & { record: AuthorizationCode }, number: number) {
    const isUnused = replay.grant === undefined;
    if (isUnused) {
      this.#check(request, replay.record);
      // An attempt that came in time may be about to be answered.
      if (!this.#uses.isAfterAnswer(replay.grantId, number)) throw unknownCode();
    }
    return this.#refuseReplay(replay, isUnused);
  }

  #check(request: CodeRedemptionRequest, record: AuthorizationCode): void {
    const { redirectUri, codeVerifier } = request;
    const isOwn = record.clientId === request.clientId;
    refuseUnless(isOwn, "invalid_grant", "The authorization code was issued to another client.");
    const sameRedirect =
      redirectUri === undefined || (URL.canParse(redirectUri) && new URL(redirectUri).href === record.redirectUri.href);
    refuseUnless(sameRedirect, "invalid_grant", "The redirect_uri is not the one of the authorization request.");
    const isProven = isVerifierOf(codeVerifier, record.codeChallenge);
    refuseUnless(isProven, "invalid_grant", "The code_verifier does not match the code_challenge.");
    if (record.resource !== undefined) checkAudience(this.#parts.resource, request.resource, record.resource);
  }

  /**
   * What is left to be done for a code; undefined where the code was used: everything that it leads to is there, or was
   * there for as long as it lasts.
   */
  async #attempt(
    step: Step,
    record: AuthorizationCode,
    { grant: begun, refreshToken, presentation }: Found,
  ): Promise<Attempt | undefined> {
    const { issue } = this.#parts;
    const now = this.#parts.now();
    const grant = begun ?? this.#newGrant(record, now, presentation);
    if (grant.revokedAt !== undefined) return undefined;
    const addsGrant = begun === undefined;
    const addsRefreshToken = mayRefresh(record) && refreshToken === undefined;
    // The first attempt of all is spared the look: what it does not find missing it finds out by adding.
    const isFirst = addsGrant && refreshToken === undefined;
    const found = isFirst ? undefined : await issue.findAccessToken({ step });
    if (found === undefined && begun !== undefined && this.#mayHaveExpired(begun)) return undefined;
    const isComplete = found !== undefined && !addsGrant && !addsRefreshToken;
    const decider = isComplete ? decidedBy(grant, found, refreshToken) : undefined;
    const unanswered = decider !== undefined && this.#unanswered.has(decider) ? decider : undefined;
    if ((isComplete && unanswered === undefined) || found?.revokedAt !== undefined) return undefined;
    return { step, grant, scopes: record.scopes, now, record, addsGrant, addsRefreshToken, found, unanswered };
  }

  /**
   * Whether the first access token of a grant that is there may have been there too, and has expired by somebody's clock. What
   * is missing then tells nothing: the code counts as used.
   */
  #mayHaveExpired({ createdAt }: Grant): boolean {
    const { instanceClockTolerance, lifetimes, now } = this.#parts;
    return now() >= createdAt + lifetimes.accessToken - instanceClockTolerance;
  }

  async #answer(attempt: Attempt): Promise<TokenResponse> {
    const { step, grant, scopes, now, record, addsGrant, addsRefreshToken, found, unanswered } = attempt;
    const { grants, issue, repositories } = this.#parts;
    const { grantId } = step;
    const { redemption, ...unnamed } = grant;
    const token = issue.accessTokenRecord({ ...attempt, grant: addsGrant ? unnamed : grant });
    const isLast = !addsGrant && found !== undefined;
    const next = issue.refreshTokenRecord({ ...attempt, grant: isLast ? grant : unnamed });
    const decider = addsGrant ? redemption : (isLast ? next : token).wrappedKey;
    // Of two repetitions at once, one has what this instance remembers.
    const isRemembered = unanswered !== undefined && this.#unanswered.delete(unanswered);
    const writes = allDone([
      found === undefined ? issue.addAccessToken({ step }, token) : undefined,
      addsRefreshToken ? issue.addRefreshToken(step, next) : undefined,
      addsGrant ? addOnce(repositories.grants, grantId, grant) : undefined,
    ]);
    const [access, refresh, begun] = await writes.catch((failure: unknown) => {
      if (decider !== undefined) this.#unanswered.set(decider, true);
      throw failure;
    });
    const hasDecided = isRemembered || (begun ?? access ?? refresh)?.isFirst === true;
    const wasOvertaken = [access, refresh].some(
      (one) => one?.isFirst === false && one.stored?.redemption === redemption,
    );
    // Since the look for the access token it may have been there, and gone again.
    const isLate = !addsGrant && access?.isFirst === true && this.#mayHaveExpired(grant);
    const { clientId, subject, upstreamIssuer } = record;
    if (!hasDecided || wasOvertaken || isLate || access?.stored?.revokedAt !== undefined) {
      return this.#refuseReplay({ clientId, grantId, grant: await grants.get(grantId), record, step });
    }
    emit("token-issued", { clientId, grantId, subject, upstreamIssuer, scopes });
    return issue.response(attempt, (access?.stored ?? found)?.expiresAt ?? now, mayRefresh(record));
  }

  #newGrant(record: AuthorizationCode, now: number, presentation: ClientPresentation): Grant {
    const { clientId, scopes, offlineAccess, resource, subject, upstreamIssuer, sealedUpstream } = record;
    const { issue, lifetimes, instanceClockTolerance } = this.#parts;
    const longest = Math.ceil(now + lifetimes.grant);
    const needed = mayRefresh(record) ? longest : issue.accessTokenExpiry(longest, now);
    return {
      clientId,
      scopes,
      createdAt: now,
      redemption: randomUUID(),
      // While the code is there, and a request that has read it, its grant says that it was used, by every clock.
      expiresAt: Math.max(needed, Math.ceil(record.expiresAt) + instanceClockTolerance + longestRequestSeconds),
      clientHost: redirectPlace(record.redirectUri.href),
      ...presentation,
      ...(offlineAccess && { offlineAccess }),
      ...(resource !== undefined && { resource }),
      ...(subject !== undefined && { subject }),
      ...(upstreamIssuer !== undefined && { upstreamIssuer }),
      ...(sealedUpstream !== undefined && { sealedUpstream }),
    };
  }

  /** A second use of a code ends what the first one issued, where it is its own client's. */
  async #refuseReplay({ clientId, grantId, grant, record, step }: Replay, isOutOfTime = false): Promise<never> {
    // Whoever else has found the code must not be able to end its client's login with it.
    if ((grant ?? record)?.clientId === clientId) {
      const ended = await this.#parts.grants.revoke(grantId, { key: step?.key.grantKey, code: record, isOutOfTime });
      if (ended) this.#parts.reporter.tell("reuse-detected", { clientId, grantId, credential: "authorization_code" });
    }
    throw unknownCode();
  }
}

/** What decided about a code that everything is there for: names the attempt that answers, or has answered. */
function decidedBy(grant: Grant, access: AccessToken, refresh: RefreshToken | undefined): string | undefined {
  if (refresh?.redemption !== undefined) return refresh.wrappedKey;
  return access.redemption !== undefined ? access.wrappedKey : grant.redemption;
}

function mayRefresh(record: AuthorizationCode): boolean {
  return record.offlineAccess ?? record.client?.grantTypes.includes("refresh_token") ?? false;
}

/** RFC 7636 section 4.6, S256. */
function isVerifierOf(verifier: string, challenge: string): boolean {
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return false;
  return isSameText(hash("sha256", verifier, "base64url"), challenge);
}

function unknownCode(): OAuthError {
  return new OAuthError("invalid_grant", "The authorization code is not known, has expired or was used before.");
}
