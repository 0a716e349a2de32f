import type { Edit, ProvedRule } from "../support/prove-rules.ts";

const rule = (name: string, tests: readonly string[], ...edits: readonly Edit[]): ProvedRule => ({
  name,
  tests,
  edits,
});
const rotationTs = "provider/tokens/refresh-rotation.ts";
const redemptionTs = "provider/tokens/code-redemption.ts";
const additionTs = "provider/tokens/add-once.ts";
const grantsTs = "provider/grants/grants.ts";
const sessionsTs = "provider/grants/upstream-sessions.ts";
const lockTs = "provider/grants/upstream-refresh-lock.ts";
const pangeaTwice = "refresh for Pangea's token twice";
const pangeaThrice = "refresh for Pangea's token, on three instances";
const pangeaAndRevoke = "refresh for Pangea's token and revoke";

/** The rules that keep the invariants, each with the flows that break without it and with a text of the source to take out. */
export const modelRules: readonly ProvedRule[] = [
  rule(
    "Revoking writes a tombstone in the grant's place",
    ["refresh and revoke", "refresh twice and revoke"],
    [
      grantsTs,
      "await this.#parts.repositories.grants.set(grantId, tombstone);",
      "await this.#parts.repositories.grants.delete(grantId);",
    ],
  ),
  rule(
    "A grant is added, never set",
    ["redeem twice", "redeem and revoke"],
    [
      redemptionTs,
      "addsGrant ? addOnce(repositories.grants, grantId, grant) : undefined,",
      "addsGrant ? repositories.grants.set(grantId, grant).then(() => ({ isFirst: true, stored: grant })) : undefined,",
    ],
  ),
  rule(
    "Tokens are added, never set",
    ["refresh twice for other scopes", "refresh twice"],
    [
      additionTs,
      "if (await repository.add(key, record)) return",
      "if (await repository.set(key, record).then(() => true)) return",
    ],
  ),
  rule(
    "Verification reads the grant",
    ["refresh and revoke"],
    [
      "provider/tokens/access-token-verifier.ts",
      "if (ours !== undefined && !isLive(grant, now)) throw invalidToken();",
      "",
    ],
  ),
  rule(
    "A refresh reads the grant",
    ["refresh and revoke"],
    [rotationTs, "if (isRevoked(grant)) {\n      await", "if (grant.clientId === undefined) {\n      await"],
  ),
  rule(
    "What is issued for a credential follows from it, whoever does it",
    ["refresh twice"],
    [
      "provider/tokens/successor-tokens.ts",
      'const secret = key.authenticate(JSON.stringify(["refresh token", core]));',
      "const secret = randomBytes(32);",
    ],
    [
      "provider/tokens/successor-tokens.ts",
      'import type { StepKey } from "../grants/grant-key.ts";',
      'import { randomBytes } from "node:crypto";\nimport type { StepKey } from "../grants/grant-key.ts";',
    ],
  ),
  rule(
    "A write whose answer was lost is read back",
    ["redeem in an outage"],
    [
      additionTs,
      "if (!isLost || failure instanceof StorageNotReplicatedError) throw failure;",
      "if (failure !== undefined) throw failure;",
    ],
  ),
  rule(
    "An instance remembers which code it could not answer",
    ["redeem in an outage, on one instance"],
    [redemptionTs, "if (decider !== undefined) this.#unanswered.set(decider, true);", ""],
  ),
  rule(
    "One record decides which of two redemptions answers",
    ["redeem twice"],
    [
      redemptionTs,
      "(begun ?? access ?? refresh)?.isFirst",
      "[begun, access, refresh].every((one) => one?.isFirst !== false)",
    ],
  ),
  rule(
    "A redemption that was overtaken does not answer",
    ["redeem twice"],
    [redemptionTs, "if (!hasDecided || wasOvertaken ||", "if (!hasDecided ||"],
  ),
  rule(
    "A lock is added, never set",
    [pangeaTwice],
    [
      lockTs,
      "await repositories.locks.add(key, { owner: asked.owner, expiresAt })",
      "await repositories.locks.set(key, { owner: asked.owner, expiresAt }).then(() => true)",
    ],
  ),
  rule(
    "The lock of a session that is not stored yet is held",
    [pangeaTwice],
    [lockTs, "held !== undefined && !isReplaced", "held !== undefined"],
  ),
  rule(
    "Whoever has a lock measures how long, before the upstream is called",
    [pangeaTwice, pangeaThrice],
    [lockTs, "if (!this.#isCertain(held, this.#workTime)) throw tookTooLong();", ""],
  ),
  rule(
    "An assertion is added, never set",
    ["assertion twice"],
    [
      "provider/clients/client-assertions.ts",
      "return await repositories.clientAssertions.add(key, { clientId, expiresAt: forgetAt });",
      "await repositories.clientAssertions.set(key, { clientId, expiresAt: forgetAt });\n      return true;",
    ],
  ),
  rule(
    "Whoever has stored a session looks at the grant once more",
    [pangeaAndRevoke],
    [sessionsTs, "if (await this.#endIfRevoked(open, sealed)) throw loginOver();", ""],
  ),
  rule(
    "What the upstream could not be told is kept",
    [pangeaAndRevoke],
    [
      "provider/grants/upstream-revocations.ts",
      "await this.#parts.repositories.upstreamRevocations.set(key, {",
      "void ({",
    ],
  ),
  rule(
    "What the store did not take of a session is kept",
    [pangeaTwice, pangeaAndRevoke],
    [
      sessionsTs,
      "this.unstored.keep(open.grantId, { before: earlier?.sealed === open.sealed ? earlier.before : open, sealed });",
      "",
    ],
  ),
  rule(
    "A spent token gets its answer for the grace",
    ["refresh twice"],
    [
      rotationTs,
      "return afterSuccessor.issuedAt + lifetimes.refreshGrace + tolerance;",
      "return afterSuccessor.issuedAt;",
    ],
  ),
  rule(
    "A spent refresh token is refused after its grace",
    ["refresh and reuse"],
    [
      rotationTs,
      "if (wasRetired(chain, credential) || now >= this.#endOfGrace(chain))",
      "if (wasRetired(chain, credential))",
    ],
  ),
  rule(
    "A token that looks retired is read again",
    ["refresh and revoke an access token", "refresh twice"],
    [rotationTs, "return wasRetired(chain, credential) ? this.#readOnce(credential) : chain;", "return chain;"],
  ),
  rule(
    "What a key that others announce opens is a matter of waiting",
    ["rotation of the secret at once"],
    [
      "provider/keys/key-announcements.ts",
      "if (await this.#isAnnounced(failure.keyId)) {",
      'if (failure.keyId === "") {',
    ],
  ),
  rule(
    "A revoked access token leaves its record",
    ["refresh and revoke an access token"],
    ["provider/tokens/token-revoker.ts", "await accessTokens.set(key, revoked);", "await accessTokens.delete(key);"],
  ),
  rule(
    "A revoked access token that had ended is read back",
    ["revoke an access token that has expired"],
    [
      "provider/tokens/token-revoker.ts",
      "if (await accessTokens.add(key, tombstone)) return;",
      "if ((await accessTokens.add(key, tombstone)) || true) return;",
    ],
  ),
  rule(
    "A code that is shown too late ends its session",
    ["redeem too late"],
    [
      redemptionTs,
      "return this.#refuseReplay(replay, isUnused);",
      "return isUnused ? Promise.reject(unknownCode()) : this.#refuseReplay(replay);",
    ],
  ),
  rule(
    "A revocation forgets the consent",
    ["consent and revocation"],
    [
      grantsTs,
      "await revokeConsent({ ...this.#parts, resource: server }, { subject, upstreamIssuer: issuer }, clientId);",
      "{}",
    ],
  ),
  rule(
    "A revocation of all of a user's grants forgets what no grant is left of",
    ["consent without a grant and account revocation"],
    [
      "provider/grants/grant-directory.ts",
      "if (subject !== undefined) await grants.forgetConsent({ subject, upstreamIssuer }, clientId);",
      "",
    ],
  ),
  rule(
    "An outage is no word on a token",
    ["refresh in an outage"],
    [
      "provider/oauth-failure.ts",
      "if (failure instanceof StorageError || failure instanceof UpstreamUnavailableError) {",
      'if (failure instanceof StorageError) return new OAuthError("invalid_grant", "");\n  if (failure instanceof UpstreamUnavailableError) {',
    ],
  ),
  rule(
    "Every tombstone ends",
    ["refresh and revoke"],
    [
      grantsTs,
      "revokedAt + this.#parts.lifetimes.grant) + tombstoneMargin,",
      "revokedAt + this.#parts.lifetimes.grant) * 2,",
    ],
  ),
  rule(
    "What is missing that may have expired counts as used",
    ["redeem twice, where codes outlast access tokens"],
    [
      redemptionTs,
      "if (found === undefined && begun !== undefined && this.#mayHaveExpired(begun)) return undefined;",
      "",
    ],
    [redemptionTs, "wasOvertaken || isLate ||", "wasOvertaken ||"],
  ),
  rule(
    "That may have expired which another clock says so of",
    ["redeem twice, where codes outlast access tokens"],
    [
      redemptionTs,
      "return now() >= createdAt + lifetimes.accessToken - instanceClockTolerance;",
      "return now() >= createdAt + lifetimes.accessToken;",
    ],
    [
      redemptionTs,
      "const { instanceClockTolerance, lifetimes, now } = this.#parts;\n    return",
      "const { lifetimes, now } = this.#parts;\n    return",
    ],
  ),
  rule(
    "A redemption measures itself",
    ["redeem twice, where grants are short-lived"],
    [redemptionTs, "requirePrompt(began, this.#parts.now());\n    const tokens", "const tokens"],
    [redemptionTs, "requirePrompt(began, ended);", ""],
  ),
  rule(
    "Whoever has another person's code, or a wrong verifier, uses nothing",
    ["redeem and replay"],
    [redemptionTs, "if (!isSecondUse) this.#check(request, record);", ""],
  ),
  rule(
    "An attempt beside the good one that shows something wrong ends nothing",
    ["redeem and replay"],
    [
      redemptionTs,
      "const isSecondUse = attempt === undefined && this.#uses.isAfterAnswer(step.grantId, number);",
      "const isSecondUse = attempt === undefined || number < 0;",
    ],
  ),
  rule(
    "A refresh that finds its grant revoked ends the session upstream",
    ["refresh after the operator's revocation"],
    [rotationTs, "await grants.endUpstream(step.grantId, grant, step.key.grantKey);", ""],
  ),
  rule(
    "A lock is released by its owner only",
    [pangeaTwice, pangeaThrice],
    [
      lockTs,
      "if (!this.#isCertain(held) || (await this.#read(key))?.owner !== held.owner || !this.#isCertain(held)) return;",
      "if (this.#workTime < 0) return;",
    ],
  ),
  rule(
    "A lock lasts for what clocks may be apart",
    [pangeaTwice, pangeaThrice],
    [
      lockTs,
      "const expiresAt = now() + this.#workTime + lockMargin + instanceClockTolerance;",
      "const expiresAt = now() + this.#workTime + lockMargin + 0 * instanceClockTolerance;",
    ],
  ),
  rule(
    "Consent is compared with what clocks may be apart",
    ["consent and revocation", "consent and account revocation"],
    [
      "provider/login/decision.ts",
      "return decidedAt > revoked.revokedAt + (isOneClock ? 0 : instanceClockTolerance);",
      "return decidedAt > revoked.revokedAt + (isOneClock ? 0 : 0 * instanceClockTolerance);",
    ],
  ),
  rule(
    "The keys of a spent token leave the store",
    ["refresh and reuse", "refresh and reuse, where tokens are short-lived"],
    [rotationTs, "this.#retire(chain.previous, step, now),", "undefined,"],
  ),
  rule(
    "The tombstone of an access token that had ended outlasts whoever may issue it again",
    ["revoke an access token that has expired"],
    [
      "provider/tokens/token-revoker.ts",
      "return Math.ceil(Math.min(grant.expiresAt, endedAt + lifetimes.accessToken + instanceClockTolerance));",
      "return Math.ceil(Math.min(grant.expiresAt, endedAt + 1 + 0 * (lifetimes.accessToken + instanceClockTolerance)));",
    ],
  ),
  rule(
    "An access token that was revoked is not answered",
    ["refresh and revoke an access token", "revoke an access token that has expired"],
    [rotationTs, "if (stored?.revokedAt !== undefined) {", "if (stored?.revokedAt === -1) {"],
  ),
  rule(
    "A login looks for a revocation after its code is stored",
    ["consent and revocation", "consent and account revocation"],
    [
      "provider/login/login.ts",
      "if (!standsAfter(revoked, decision, instanceClockTolerance)) {",
      'if (revoked?.mark === "" && !standsAfter(revoked, decision, instanceClockTolerance)) {',
    ],
  ),
];
