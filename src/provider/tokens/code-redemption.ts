import { createHash, randomUUID } from "node:crypto";
import { OAuthError } from "../../errors.ts";
import type { AccessToken } from "../../records/access-token.ts";
import type { AuthorizationCode, ClientAuthentication } from "../../records/authorization-code.ts";
import type { Grant } from "../../records/grant.ts";
import { authorizationCodeKey, grantIdOf, refreshTokenKey } from "../../records/keys.ts";
import type { RefreshToken } from "../../records/refresh-token.ts";
import { isSameText } from "../../secrets/constant-time.ts";
import type { KeyRing } from "../../secrets/key-ring.ts";
import { boundedCache } from "../../storage/bounded-cache.ts";
import type { Repository } from "../../storage/contract.ts";
import { emit } from "../events.ts";
import type { Grants } from "../grants/grants.ts";
import { type GrantCredential, readCredential } from "../oauth/grant-credential.ts";
import { checkAudience } from "../oauth/resource.ts";
import { isUnknown } from "./lost-answer.ts";
import { longestRequestSeconds, requirePrompt } from "./request-time.ts";
import { openStep } from "./step.ts";
import type { Step } from "./successor-tokens.ts";
import type { TokenIssue } from "./token-issue.ts";
import { type TokenResponse, tokenResponse } from "./token-response.ts";

/** How many codes this instance remembers that it began to redeem and gave no answer for. */
const maxUnanswered = 10_000;

/** What a client shows to redeem an authorization code. */
export interface CodeRedemptionRequest {
  readonly clientId: string;
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
export interface CodeRedemptionParts {
  readonly repositories: {
    readonly authorizationCodes: Repository<string, AuthorizationCode>;
    readonly refreshTokens: Repository<string, RefreshToken>;
  };
  readonly grants: Grants;
  readonly issue: TokenIssue;
  readonly keys: KeyRing;
  readonly resource: string;
  /** The time in epoch seconds. */
  readonly now: () => number;
  /** How long what is issued is good, in seconds. */
  readonly lifetimes: { readonly accessToken: number; readonly grant: number };
  /** How far the clocks of two instances may differ, in seconds. */
  readonly clockTolerance: number;
}

/** What of a redemption the store holds already. */
interface Progress {
  readonly grant: Grant | undefined;
  readonly refreshToken: RefreshToken | undefined;
}

/** What is left to be done for a code that was not used yet. */
interface Attempt {
  readonly step: Step;
  readonly record: AuthorizationCode;
  readonly grant: Grant;
  /** In epoch seconds. */
  readonly now: number;
  /** Which records this attempt found missing. */
  readonly missing: { readonly grant: boolean; readonly refreshToken: boolean; readonly accessToken: boolean };
  /** The access token that was found. */
  readonly found?: AccessToken | undefined;
  /** Whether everything is there, and this instance alone can have been the one that answers. */
  readonly isUnanswered?: boolean;
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
   * What this instance may have added to decide about a code without an answer, by grant: the name of the attempt, or the
   * wrapped key of a token. No two are the same, so the store tells whether it was added.
   */
  readonly #unanswered = boundedCache<string, string>(maxUnanswered);

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
    const credential = readCredential(this.#parts.keys.derive("credential mark"), "authorization_code", request.code);
    if (credential === undefined) {
      await authenticate(undefined);
      throw unknownCode();
    }
    const [record, progress] = await this.#read(credential);
    const client = await authenticate(record?.clientId === request.clientId ? record.client : undefined);
    if (record === undefined) return this.#refuseReplay(request.clientId, credential, progress.grant);
    const step = openStep(this.#parts.keys, credential, record.wrappedKey);
    const attempt = await this.#attempt(step, record, progress);
    if (attempt === undefined) return this.#refuseReplay(request.clientId, credential, progress.grant, step, record);
    this.#check(request, record);
    // Whoever was suspended for long must not add what was there, and is gone again.
    requirePrompt(began, this.#parts.now());
    const tokens = await this.#answer(attempt);
    requirePrompt(began, this.#parts.now());
    return { tokens, client };
  }

  async #read({ handle }: GrantCredential): Promise<[AuthorizationCode | undefined, Progress]> {
    const { repositories, grants } = this.#parts;
    const [record, grant, refreshToken] = await Promise.all([
      repositories.authorizationCodes.get(authorizationCodeKey(handle)),
      grants.get(grantIdOf(handle)),
      repositories.refreshTokens.get(refreshTokenKey(handle, 1)),
    ]);
    return [record, { grant, refreshToken }];
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
    if (record.resource !== undefined) checkAudience(this.#parts.resource, request.resource, record.resource);
  }

  /**
   * What is left to be done for a code; undefined where the code was used: everything that it leads to is there, or was
   * there for as long as it lasts.
   */
  async #attempt(step: Step, record: AuthorizationCode, progress: Progress): Promise<Attempt | undefined> {
    const { lifetimes, clockTolerance, issue } = this.#parts;
    const now = this.#parts.now();
    const grant = progress.grant ?? this.#newGrant(record, now);
    const missing = {
      grant: progress.grant === undefined,
      refreshToken: mayRefresh(record) && progress.refreshToken === undefined,
      accessToken: true,
    };
    const attempt = { step, record, grant, now, missing };
    if (grant.revokedAt !== undefined) return undefined;
    // The first attempt of all is spared the look: what it does not find missing it finds out by adding.
    if (missing.grant && (missing.refreshToken || !mayRefresh(record))) return attempt;
    // An access token that has expired was there, and is not any more.
    if (now >= grant.createdAt + lifetimes.accessToken - clockTolerance) return undefined;
    const found = await issue.findAccessToken(step);
    if (found === undefined) return attempt;
    const isComplete = !missing.grant && !missing.refreshToken;
    const isUnanswered = isComplete && this.#isOwn(step, decidedBy(grant, found, progress.refreshToken));
    const isUsed = (isComplete && !isUnanswered) || found.revokedAt !== undefined;
    return isUsed ? undefined : { ...attempt, missing: { ...missing, accessToken: false }, found, isUnanswered };
  }

  /** Whether this instance has added what decided, and has answered nobody. */
  #isOwn({ grantId }: Step, decider: string | undefined): boolean {
    return decider !== undefined && decider === this.#unanswered.get(grantId);
  }

  async #answer(attempt: Attempt): Promise<TokenResponse> {
    const { step, record, grant, now, missing, found, isUnanswered = false } = attempt;
    const { grants, issue } = this.#parts;
    const { redemption, ...unnamed } = grant;
    const token = issue.accessTokenRecord(step, missing.grant ? unnamed : grant, record.scopes, now);
    const isLast = !missing.grant && !missing.accessToken;
    const next = issue.refreshTokenRecord(step, isLast ? grant : unnamed, record.scopes, now);
    const remembered = this.#unanswered.get(step.grantId);
    // Of two repetitions at once, one has what this instance remembers.
    this.#unanswered.delete(step.grantId);
    const writes = [
      missing.accessToken ? issue.addAccessToken(token) : undefined,
      missing.refreshToken ? issue.addRefreshToken(step, next) : undefined,
      missing.grant ? this.#addGrant(step.grantId, grant) : undefined,
    ] as const;
    // Nothing is under way any more when a failure is told.
    const results = await Promise.allSettled(writes);
    if (results.some(({ status }) => status === "rejected")) {
      const own = missing.accessToken ? token.record.wrappedKey : next.wrappedKey;
      this.#unanswered.set(step.grantId, (missing.grant ? redemption : own) ?? own);
    }
    const [access, refresh, isFirstGrant] = await Promise.all(writes);
    const hasDecided = isUnanswered ? remembered !== undefined : (isFirstGrant ?? access?.isFirst ?? refresh?.isFirst);
    const wasOvertaken = [access, refresh].some(
      (one) => one?.isFirst === false && one.stored?.redemption === redemption,
    );
    if (!hasDecided || wasOvertaken || access?.stored?.revokedAt !== undefined) {
      return this.#refuseReplay(record.clientId, step, await grants.get(step.grantId), step, record);
    }
    const { clientId, subject, scopes } = record;
    emit("token-issued", { clientId, grantId: step.grantId, subject, scopes });
    return tokenResponse({
      accessToken: token.accessToken,
      expiresAt: (access?.stored ?? found)?.expiresAt ?? now,
      refreshToken: mayRefresh(record) ? issue.refreshTokenText(step) : undefined,
      scopes,
      now,
    });
  }

  /** Begins a grant. Where the answer is lost, the grant itself says which attempt it began with. */
  async #addGrant(grantId: string, grant: Grant): Promise<boolean> {
    try {
      return await this.#parts.grants.add(grantId, grant);
    } catch (failure) {
      if (!isUnknown(failure)) throw failure;
      if ((await this.#parts.grants.get(grantId))?.redemption === grant.redemption) return true;
      throw failure;
    }
  }

  #newGrant(record: AuthorizationCode, now: number): Grant {
    const { clientId, scopes, resource, subject, sealedUpstream } = record;
    const { issue, lifetimes, clockTolerance } = this.#parts;
    const longest = Math.ceil(now + lifetimes.grant);
    const needed = mayRefresh(record) ? longest : issue.accessTokenExpiry(longest, now);
    return {
      clientId,
      scopes,
      createdAt: now,
      redemption: randomUUID(),
      // While the code is there, its grant says that it was used.
      expiresAt: Math.max(needed, Math.ceil(record.expiresAt) + clockTolerance + longestRequestSeconds),
      ...(resource !== undefined && { resource }),
      ...(subject !== undefined && { subject }),
      ...(sealedUpstream !== undefined && { sealedUpstream }),
    };
  }

  /** A second use of a code ends what the first one issued, where it is its own client's. */
  async #refuseReplay(
    clientId: string,
    { handle }: GrantCredential,
    grant: Grant | undefined,
    step?: Step,
    record?: AuthorizationCode,
  ): Promise<never> {
    const grantId = grantIdOf(handle);
    // Whoever else has found the code must not be able to end its client's login with it.
    if ((grant ?? record)?.clientId === clientId) {
      const ended = await this.#parts.grants.revoke(grantId, {
        key: step?.key.grantKey,
        sealedUpstream: record?.sealedUpstream,
        clientId,
        subject: record?.subject,
      });
      if (ended) emit("reuse-detected", { clientId, grantId, credential: "authorization_code" });
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
  return record.client?.grantTypes.includes("refresh_token") ?? false;
}

/** RFC 7636 section 4.6, S256. */
function isVerifierOf(verifier: string, challenge: string): boolean {
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return false;
  return isSameText(createHash("sha256").update(verifier).digest("base64url"), challenge);
}

function unknownCode(): OAuthError {
  return new OAuthError("invalid_grant", "The authorization code is not known, has expired or was used before.");
}
