import type { Ending } from "./ending.ts";
import type { Call, Login, Outcome } from "./history.ts";
import { periodsOf } from "./periods.ts";
import type { UpstreamSession } from "./stub-upstream.ts";

/** Why a login has to be over, in a word each: the calls that ended it and were answered, by then or at all. */
export function rulesThatEnd(ending: Ending, login: Login, time = Number.POSITIVE_INFINITY): readonly string[] {
  return ending.callsOf(login).flatMap((call) => {
    if (call.endedAt >= time) return [];
    const rule = ruleOf(ending, login, call);
    return rule === undefined ? [] : [rule];
  });
}

function ruleOf(ending: Ending, login: Login, call: Call): string | undefined {
  const { kind, credential, outcome } = call;
  const isRefusedGrant = outcome.kind === "refused" && outcome.error === "invalid_grant";
  if (kind === "revoke" && outcome.kind === "done" && isRefreshToken(ending, login, credential)) {
    return "the grant was revoked by its client";
  }
  // Only what was there when the operator began is his to end.
  if (kind === "revokeGrants" && outcome.kind === "done" && wasAnsweredBefore(ending, login, call.begunAt)) {
    return "the grant was revoked by the operator";
  }
  if (kind === "redeem" && isRefusedGrant && wasAnsweredBefore(ending, login, call.begunAt)) {
    return "the code was used again";
  }
  const endsGrant = ending.world.settings.options?.onRefreshReuse !== "refuse";
  if (kind === "refresh" && isRefusedGrant && endsGrant && mustCountAsReuse(ending, login, call)) {
    return "a spent refresh token was used again";
  }
  return undefined;
}

/**
 * Whether a rule says that the client may be refused: by the time of a call, or at all. A rule is that somebody revoked
 * the grant or began to, that a code or a refresh token was shown again by whoever it was, that its time was over, or
 * that Pangea's session was lost where nobody could help it.
 *
 * @param refused - The call that was refused; undefined for the login as a whole.
 */
export function refusalIsRuled(ending: Ending, login: Login, refused: Call | undefined): boolean {
  const until = refused?.endedAt ?? Number.POSITIVE_INFINITY;
  const calls = ending.callsOf(login);
  const began = (call: Call): boolean => call.begunAt <= until;
  if (calls.some((call) => began(call) && isRevocation(ending, login, call, refused))) return true;
  if (calls.some((call) => call.by === "thief" && began(call) && mayEnd(ending, login, call))) return true;
  if (calls.some((call) => isSharedAssertion(ending, call))) return true;
  // A client that shows its code or token again when it was told what that led to has itself to blame. Which of two
  // requests came first cannot be told where they were under way together: so one of them may be refused, never both.
  if (
    calls.some(
      (call) => began(call) && call.kind === "redeem" && !call.hasWrongVerifier && isSecondUse(ending, login, call),
    )
  )
    return true;
  if (calls.some((call) => began(call) && call.kind === "refresh" && mayCountAsReuse(ending, login, call))) return true;
  if (isCodeTooOld(ending, login, refused) || isTokenTooOld(ending, login, refused)) return true;
  if (isCodeUsedUnanswered(ending, login, refused)) return true;
  if (failedBesideAnother(ending, login, refused)) return true;
  if (mayHaveHadItsToken(ending, login, refused)) return true;
  const session = ending.sessionOf(login);
  return session === undefined || session.toldTo === undefined;
}

function isRevocation(ending: Ending, login: Login, call: Call, refused: Call | undefined): boolean {
  if (call.kind === "revokeGrants") return true;
  if (call.kind !== "revoke") return false;
  if (isRefreshToken(ending, login, call.credential)) return true;
  // One access token was revoked: only who shows that one may be refused, and whoever would be given it again.
  const issued = ending.tokensOf(login).filter(({ accessToken }) => accessToken === call.credential);
  return issued.some(
    (each) => each.accessToken === refused?.credential || each.call.credential === refused?.credential,
  );
}

/** True where somebody else showed the same assertion. */
function isSharedAssertion(ending: Ending, { assertion, task }: Call): boolean {
  return assertion !== undefined && ending.calls.some((other) => other.assertion === assertion && other.task !== task);
}

/**
 * Whether a thief's call may end the login: by showing its refresh token, or its code. Whoever shows a code with a wrong
 * verifier uses nothing, and ends nothing unless the code was used by then, as far as the instance that is asked can tell.
 */
function mayEnd(ending: Ending, login: Login, { kind, hasWrongVerifier, instance, begunAt, endedAt }: Call): boolean {
  if (kind !== "redeem" || hasWrongVerifier !== true) return kind === "redeem" || kind === "refresh";
  if (ending.world.storeFaults + ending.world.kills.length > 0) return true;
  const answered = ending.tokensOf(login).filter(({ call }) => call.kind === "redeem");
  return answered.some(({ call }) => (call.instance === instance ? begunAt > call.endedAt : endedAt >= call.begunAt));
}

function isRefreshToken(ending: Ending, login: Login, credential: string): boolean {
  return ending.tokensOf(login).some(({ refreshToken }) => refreshToken === credential);
}

/**
 * Whether an instance had answered with the login's first tokens, by then or at all. Whether the answer was heard plays no
 * part: a code is good for one answer (RFC 6749 section 4.1.2), and nobody here knows that one was lost on its way.
 */
export function wasAnsweredBefore(ending: Ending, login: Login, time = Number.POSITIVE_INFINITY): boolean {
  return ending.tokensOf(login).some(({ call }) => call.kind === "redeem" && call.endedAt < time);
}

/** Whether a code was shown beside a request, or after one, that was answered. */
function isSecondUse(ending: Ending, login: Login, { begunAt, endedAt }: Call): boolean {
  const answered = ending.tokensOf(login).filter(({ call }) => call.kind === "redeem");
  return answered.some(({ call }) => call.begunAt <= endedAt && (call.begunAt !== begunAt || call.endedAt !== endedAt));
}

/** Whether a refresh token was shown after its successor had been used and the grace was over, by every clock. */
function mustCountAsReuse(ending: Ending, login: Login, { credential, begunAt, begunTime }: Call): boolean {
  const { grace } = periodsOf(ending.world);
  const known = ending.tokensOf(login).filter(({ call }) => call.endedAt < begunAt);
  return known.some(
    ({ call, refreshToken }) =>
      call.credential === credential &&
      call.endedTime + grace + clocksApart(ending) <= begunTime &&
      known.some((next) => next.call.credential === refreshToken),
  );
}

/** Whether some clock may say so of a refresh token: the two uses may have come as far apart as their requests allow. */
function mayCountAsReuse(ending: Ending, login: Login, { credential, endedAt, endedTime }: Call): boolean {
  const { grace } = periodsOf(ending.world);
  const known = ending.tokensOf(login);
  return known.some(
    ({ call, refreshToken }) =>
      call.credential === credential &&
      call.begunTime + grace - clocksApart(ending) <= endedTime &&
      ending.callsOf(login).some((next) => next.credential === refreshToken && next.begunAt <= endedAt),
  );
}

/** Whether a refresh token was shown so long after its successor had been used that no instance may have answered. */
export function isLongSpent(ending: Ending, login: Login, { credential, begunTime }: Call): boolean {
  const { grace, instancesApart } = periodsOf(ending.world);
  const known = ending.tokensOf(login);
  const margin = grace + instancesApart + clocksApart(ending);
  return known.some(
    ({ call, refreshToken }) =>
      call.credential === credential &&
      known.some(({ call: next }) => next.credential === refreshToken && next.endedTime + margin <= begunTime),
  );
}

/**
 * Whether the code's record ended before its client had shown the code to anybody who answered: nobody has had the key of
 * the session in hand since the login, and nobody will.
 */
export function codeEndedUnshown(ending: Ending, login: Login): boolean {
  const { code, instancesApart } = periodsOf(ending.world);
  const recordEnds = login.codeIssuedAt + code + instancesApart - clocksApart(ending);
  if (wasAnsweredBefore(ending, login) || ending.world.now < recordEnds) return false;
  return !ending
    .callsOf(login)
    .some(
      ({ kind, by, answer, endedTime }) =>
        kind === "redeem" && by === "client" && answer.kind === "refused" && endedTime < recordEnds,
    );
}

/** Whether a grant has ended by itself: nobody has shown what opens its session by then, and nobody can any more. */
export function grantEnded(ending: Ending, login: Login): boolean {
  const [first] = ending.tokensOf(login);
  if (first === undefined) return false;
  return ending.world.now + clocksApart(ending) >= first.call.begunTime + periodsOf(ending.world).grant;
}

function isCodeTooOld(ending: Ending, login: Login, refused: Call | undefined): boolean {
  if (refused === undefined ? wasAnsweredBefore(ending, login) : refused.kind !== "redeem") return false;
  const time = refused?.endedTime ?? ending.world.now;
  return time - login.codeIssuedAt >= periodsOf(ending.world).code - clocksApart(ending);
}

/** Whether the token that was shown had ended, or was about to by somebody's clock; or the client's newest, for a login. */
function isTokenTooOld(ending: Ending, login: Login, refused: Call | undefined): boolean {
  const { accessToken, refreshToken, grant } = periodsOf(ending.world);
  const time = (refused?.endedTime ?? ending.world.now) + clocksApart(ending);
  const known = ending.tokensOf(login);
  const [first] = known;
  if (first === undefined || refused?.kind === "redeem") return false;
  if (time >= first.call.begunTime + grant) return true;
  if (refused === undefined) return time >= (known.at(-1) ?? first).call.begunTime + refreshToken;
  // The tokens of a code may be those that an earlier attempt has stored.
  const redeemed = ending.callsOf(login).filter(({ kind }) => kind === "redeem");
  const since = ({ kind, begunTime }: Call): number =>
    kind === "redeem" ? Math.min(...redeemed.map((call) => call.begunTime)) : begunTime;
  return known.some(
    ({ call, ...tokens }) =>
      (refused.credential === tokens.accessToken && time >= since(call) + accessToken) ||
      (refused.credential === tokens.refreshToken && time >= since(call) + refreshToken),
  );
}

/**
 * Whether the code was used and nobody was answered: everything that it leads to was stored, and the instance was killed
 * then, or it lost the store's word on its last write and could not read it back either, or could not read what an attempt
 * that was killed had left, and the client came back to another instance, which takes that for a second use. The store looks as it does where the answer was sent and lost on its way, and a code is good for one
 * answer. An instance that could not answer knows that, as long as it lives.
 *
 * Two requests may also have stored it together: one added the grant, which names that request as the one that answers, and
 * its instance was killed; the other has added the rest, and failed at the store, or is not at its end. Either instance sees
 * what it would see if the first one had answered and its answer was heard.
 */
function isCodeUsedUnanswered(ending: Ending, login: Login, refused: Call | undefined): boolean {
  if (refused !== undefined && refused.kind !== "redeem") return false;
  const { kills } = ending.world;
  const calls = ending.callsOf(login).filter(({ kind }) => kind === "redeem");
  const until = refused?.endedAt ?? Number.POSITIVE_INFINITY;
  return calls.some((call) => {
    const { isCodeUsed, answer, instance, endedAt } = call;
    if (!isCodeUsed || answer.kind === "tokens") return false;
    if (calls.some((other) => wasKilledBeside(ending, other, call, until))) return true;
    if (endedAt > until) return false;
    const isSince = (time: number): boolean => endedAt <= time && time <= until;
    const wasKilled = kills.some((kill) => kill.instance === instance && isSince(kill.at));
    const wentElsewhere = calls.some((call) => call.instance !== instance && isSince(call.endedAt));
    const wasLostTwice = ending.world.storeFaults + kills.length > 1;
    const isForgotten = wasKilled || (wasLostTwice && (wentElsewhere || refused === undefined));
    return answer.kind === "lost" || (answer.kind === "unavailable" && isForgotten);
  });
}

/** Whether a request that was under way beside another one was lost by then because its instance was killed. */
function wasKilledBeside(
  ending: Ending,
  { instance, answer, begunAt, endedAt }: Call,
  other: Call,
  until: number,
): boolean {
  const wereTogether = begunAt <= other.endedAt && other.begunAt <= endedAt;
  if (instance === other.instance || answer.kind !== "lost" || !wereTogether) return false;
  return ending.world.kills.some(
    ({ at, ...kill }) => kill.instance === instance && begunAt <= at && at <= Math.min(other.endedAt, until),
  );
}

/**
 * Whether two requests redeemed the code side by side, one of them failed at the store or was killed, and the other was
 * refused. What each has stored then is as if the failed one had answered, so the other is a second use and ends the
 * grant. Storing the three records one after the other would tell the two apart, for a round trip more in every login.
 */
function failedBesideAnother(ending: Ending, login: Login, refused: Call | undefined): boolean {
  if (refused !== undefined && refused.kind !== "redeem") return false;
  const until = refused?.endedAt ?? Number.POSITIVE_INFINITY;
  const calls = ending.callsOf(login).filter(({ kind, by }) => kind === "redeem" && by === "client");
  const failedAtStore = ending.world.storeFaults > 0;
  // A request that gives up since it was suspended for too long fails without the store.
  const hasFailed = (kind: Outcome["kind"]): boolean => kind === "lost" || kind === "unavailable";
  const failed = calls.filter(({ answer: { kind } }) => hasFailed(kind) || (kind !== "tokens" && failedAtStore));
  const others = calls.filter(({ answer, endedAt }) => answer.kind === "refused" && endedAt <= until);
  return failed.some((one) =>
    others.some((other) => one.begunAt <= other.endedAt && other.begunAt <= one.endedAt && one.task !== other.task),
  );
}

/**
 * Whether a request failed that redeemed the code, and the client came back when the access token of that attempt may have
 * been there and expired, whatever the clocks say. Where access tokens are good for less than clocks may be apart, that is
 * so at once.
 */
function mayHaveHadItsToken(ending: Ending, login: Login, refused: Call | undefined): boolean {
  if (refused !== undefined && refused.kind !== "redeem") return false;
  const { accessToken, instancesApart } = periodsOf(ending.world);
  const until = refused?.endedTime ?? ending.world.now;
  const failed = ending
    .callsOf(login)
    .filter(({ kind, answer }) => kind === "redeem" && (answer.kind === "lost" || answer.kind === "unavailable"));
  return failed.some(({ begunTime }) => begunTime + accessToken - instancesApart - clocksApart(ending) <= until);
}

/** How far the clocks are apart in this schedule, in milliseconds. */
function clocksApart({ world }: Ending): number {
  const skews = world.instances.map(({ skew }) => skew);
  return Math.max(0, ...skews) - Math.min(0, ...skews);
}

/**
 * Whether the session may live on because an operator ended the grant, who has no token of the user's to open the session
 * with: it is left to expire. That excuses no request that had the tokens in hand and noticed the revocation, and none
 * that refreshed them after it.
 */
export function operatorEnded(ending: Ending, login: Login, session: UpstreamSession): boolean {
  const calls = ending.callsOf(login);
  if (calls.some((call) => call.kind === "revoke" && isRefreshToken(ending, login, call.credential))) return false;
  const ended = calls.filter(({ kind, outcome }) => kind === "revokeGrants" && outcome.kind === "done");
  const newest = ending.tokensOf(login).at(-1)?.refreshToken;
  const noticed = calls.some(
    ({ kind, answer, credential, begunAt, endedAt }) =>
      answer.kind === "refused" &&
      (kind === "redeem" ||
        (kind === "refresh" && credential === newest && ended.some((before) => before.endedAt < begunAt)) ||
        (kind === "pangeaToken" &&
          session.refreshes > 0 &&
          begunAt <= session.refreshedAt &&
          session.refreshedAt <= endedAt)),
  );
  if (noticed) return false;
  return calls.some(
    ({ kind, endedAt }) => kind === "revokeGrants" && (session.refreshes === 0 || session.refreshedAt <= endedAt),
  );
}
