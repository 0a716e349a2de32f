import type { Ending, KnownTokens } from "./ending.ts";
import {
  codeEndedUnshown,
  grantEnded,
  isLongSpent,
  operatorEnded,
  refusalIsRuled,
  rulesThatEnd,
  wasAnsweredBefore,
} from "./excuses.ts";
import type { Login } from "./history.ts";
import { periodsOf } from "./periods.ts";

/** Something that is true at the end of every schedule. */
export interface Invariant {
  readonly name: string;
  /** What is wrong, in a sentence; undefined where nothing is. */
  readonly broken: (ending: Ending) => Promise<string | undefined>;
}

/** The longest that a request may take, in milliseconds. */
const longestRequest = 600_000;
/** The longest that any record is of use, in seconds: a grant and a registration live for 90 days. */
const longestUse = 92 * 24 * 3600;
/** How long a revoked consent is of use, in seconds: browsers keep a cookie for 400 days. */
const consentUse = 402 * 24 * 3600;

/** Asks about one login after the other. */
function ofEachLogin(
  broken: (ending: Ending, login: Login) => Promise<string | undefined>,
): (ending: Ending) => Promise<string | undefined> {
  return async (ending) => {
    for (const login of ending.logins) {
      const complaint = await broken(ending, login);
      if (complaint !== undefined) return `${complaint} (login ${login.name})`;
    }
    return undefined;
  };
}

/** The invariants. What they leave out, and by which rule, is in `excuses.ts`. */
export const invariants: readonly Invariant[] = [
  {
    name: "what was revoked opens nothing",
    broken: ofEachLogin(async (ending, login) => {
      const [sighting] = ending.world.sightings;
      if (sighting !== undefined) return sighting;
      for (const rule of rulesThatEnd(ending, login)) {
        const open = await ending.whatOpens(login);
        if (open !== undefined) return `${rule}, and yet ${open} opens something`;
      }
      for (const { kind, credential, outcome, endedAt } of ending.callsOf(login)) {
        if (kind !== "revoke" || outcome.kind !== "done") continue;
        if ((await ending.verify(credential)) !== undefined)
          return `the access token <${credential}> was revoked, and is good`;
        const isAnswered = ending
          .tokensOf(login)
          .some(({ accessToken, call }) => accessToken === credential && call.begunAt > endedAt);
        if (isAnswered) return `the access token <${credential}> was revoked, and answered again`;
        const isAccessToken = ending.tokensOf(login).some(({ accessToken }) => accessToken === credential);
        if (isAccessToken && (await ending.pangeaToken(login, credential)).kind === "done") {
          return `the access token <${credential}> was revoked, and opens Pangea's`;
        }
      }
      return undefined;
    }),
  },
  {
    name: "at most one successor lives",
    broken: ofEachLogin(async (ending, login) => {
      for (const siblings of byCredential(ending.tokensOf(login))) {
        const live: string[] = [];
        const successors = new Map(siblings.map((each) => [withoutMark(each.refreshToken), each.refreshToken]));
        if (successors.size < 2) continue;
        for (const refreshToken of successors.values()) {
          if ((await ending.refresh(login, refreshToken)).kind === "tokens") live.push(refreshToken);
        }
        if (live.length > 1) return `<${siblings[0]?.call.credential}> has ${live.length} successors that are good`;
      }
      return undefined;
    }),
  },
  {
    name: "what was spent opens nothing",
    broken: ofEachLogin(async (ending, login) => {
      const known = ending.tokensOf(login);
      const { grace, instancesApart } = periodsOf(ending.world);
      // By then the grace is over, whatever the clocks say.
      const afterEveryWindow = (grace + 2 * instancesApart) / 1_000 + 5;
      for (const { call, refreshToken } of known) {
        if (call.kind === "refresh" && isLongSpent(ending, login, call))
          return `the refresh token <${call.credential}> had been spent long ago, and was answered`;
        // The successor was used and answered for: the client has no use for the token before it any more.
        if (call.kind !== "refresh" || !known.some((next) => next.call.credential === refreshToken)) continue;
        const outcome = await ending.refreshLater(login, call.credential, afterEveryWindow);
        if (outcome.kind === "tokens") return `the refresh token <${call.credential}> was spent long ago, and is good`;
      }
      return undefined;
    }),
  },
  {
    name: "no login is lost without a rule",
    broken: ofEachLogin(async (ending, login) => {
      for (const call of ending.callsOf(login)) {
        if (call.by !== "client" || call.kind === "authorize" || call.outcome.kind !== "refused") continue;
        if (refusalIsRuled(ending, login, call)) continue;
        return `${call.kind} of <${call.credential}> was refused with ${call.outcome.error}, and no rule says so`;
      }
      if (refusalIsRuled(ending, login, undefined)) return undefined;
      if (ending.sessionOf(login)?.isLive === false) return "the session at Pangea was ended, and no rule says so";
      const mine = ending.tokensOf(login).filter(({ call, isHeard }) => isHeard && call.by === "client");
      const last = mine.at(-1);
      const outcome = last === undefined ? await ending.redeem(login) : await ending.refresh(login, last.refreshToken);
      if (outcome.kind === "tokens") return undefined;
      return `the client cannot go on with <${last?.refreshToken ?? login.code}>, and no rule says so`;
    }),
  },
  {
    name: "an answer names what the token has",
    broken: ofEachLogin(async (ending, login) => {
      for (const { accessToken, scopes, verified } of ending.tokensOf(login)) {
        for (const has of [verified, await ending.verify(accessToken)]) {
          if (has !== undefined && !sameScopes(has, scopes)) {
            return `the answer says that <${accessToken}> has ${scopes.join(" ")}, and it has ${has.join(" ")}`;
          }
        }
      }
      return undefined;
    }),
  },
  {
    name: "a code is answered once",
    broken: ofEachLogin(async (ending, login) => {
      const answered = ending.tokensOf(login).filter(({ call }) => call.kind === "redeem");
      return answered.length > 1 ? "the code was answered twice" : undefined;
    }),
  },
  {
    name: "a code is good with its verifier only",
    broken: ofEachLogin(async (ending, login) => {
      const given = ending.callsOf(login).some((call) => call.hasWrongVerifier && call.answer.kind === "tokens");
      return given ? "a code was answered that was shown with a wrong verifier" : undefined;
    }),
  },
  {
    name: "an assertion is good once",
    broken: async (ending) => {
      const accepted = ending.calls.filter(
        ({ assertion, outcome }) => assertion !== undefined && outcome.kind === "tokens",
      );
      for (const { assertion } of accepted) {
        if (accepted.filter((other) => other.assertion === assertion).length > 1)
          return "one assertion was accepted twice";
      }
      return undefined;
    },
  },
  {
    name: "a revocation forgets the consent",
    broken: ofEachLogin(async (ending, login) => {
      for (const { kind, begunAt, outcome } of ending.callsOf(login)) {
        if (kind !== "authorize" || outcome.kind !== "done") continue;
        const rule = rulesThatEnd(ending, login, begunAt)[0];
        if (rule !== undefined) return `${rule}, and then a login went through without a question`;
      }
      return undefined;
    }),
  },
  {
    name: "no record outlives its use",
    async broken({ world }) {
      for (const { kind, key, expiresAt } of world.store.records()) {
        const last = world.now / 1000 + (kind === "consent_revocation" ? consentUse : longestUse);
        if (expiresAt === undefined || expiresAt > last)
          return `the record ${kind} <${key}> ends at ${expiresAt ?? "no time"}`;
      }
      return undefined;
    },
  },
  {
    name: "the keys of a spent token leave the store",
    broken: ofEachLogin(async (ending, login) => {
      const { grace, instancesApart } = periodsOf(ending.world);
      const known = ending.tokensOf(login);
      // A request that was suspended between its look and its write may have written again what had left.
      if (ending.callsOf(login).some(({ begunTime, endedTime }) => endedTime - begunTime > longestRequest))
        return undefined;
      for (const { call, refreshToken } of known) {
        // The successor was used and answered for: nobody has a use for the keys any more.
        if (call.kind !== "refresh" || !known.some((next) => next.call.credential === refreshToken)) continue;
        const last = ending.world.now + Math.max(grace, longestRequest) + 2 * instancesApart;
        const endsAt = ending.world.endOfRefreshToken(call.credential);
        if (endsAt !== undefined && endsAt > last)
          return `the record of <${call.credential}> stays, though it is spent`;
      }
      return undefined;
    }),
  },
  {
    // The last one, since it changes what is there.
    name: "no session at Pangea lives without a live grant",
    async broken(ending) {
      const orphans: Login[] = [];
      for (const login of ending.logins) if (await isOrphan(ending, login)) orphans.push(login);
      for (const login of orphans) {
        if (!(await ending.showAllAgain(login)) && (await isOrphan(ending, login)))
          return `the session at Pangea lives on, and nothing here opens it (login ${login.name})`;
      }
      return undefined;
    },
  },
];

async function isOrphan(ending: Ending, login: Login): Promise<boolean> {
  const session = ending.sessionOf(login);
  // Nobody has the latest tokens: the process was killed, or the answer was lost, before anybody could keep them.
  if (session === undefined || !session.isLive || session.toldTo === undefined) return false;
  if (operatorEnded(ending, login, session) || codeEndedUnshown(ending, login)) return false;
  if (grantEnded(ending, login)) return false;
  if (!wasAnsweredBefore(ending, login) && (await ending.redeem(login)).kind === "tokens") return false;
  return (await ending.whatOpens(login)) === undefined;
}

/** A refresh token without its mark: instances with different keys mark one token differently. */
function withoutMark(refreshToken: string): string {
  return refreshToken.replace(/_[\w-]{30}$/, "");
}

/** Tokens that were answered for the same code or refresh token. */
function byCredential(known: readonly KnownTokens[]): readonly (readonly KnownTokens[])[] {
  const groups = new Map<string, KnownTokens[]>();
  for (const tokens of known) {
    const { credential } = tokens.call;
    groups.set(credential, [...(groups.get(credential) ?? []), tokens]);
  }
  return [...groups.values()];
}

function sameScopes(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((scope) => other.includes(scope));
}
