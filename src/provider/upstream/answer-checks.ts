import { UpstreamRejectedError } from "../../errors.ts";
import type { UpstreamIdentity, UpstreamTokens } from "./contract.ts";

/** A time after this is one in milliseconds: as seconds it is in the year 5138. */
const latestSeconds = 1e11;

/** What a member of an answer has to be, in words, and whether a value is that. */
interface Kind {
  readonly words: string;
  readonly fits: (value: unknown) => boolean;
}

const filledText: Kind = {
  words: "a text with something in it",
  fits: (value) => typeof value === "string" && value.trim() !== "",
};
const time: Kind = {
  words: "a time in epoch seconds",
  fits: (value) => typeof value === "number" && value >= 0 && value < latestSeconds,
};
const textList: Kind = {
  words: "a list of texts",
  fits: (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
};
const anyText: Kind = { words: "a text", fits: (value) => typeof value === "string" };

const identityKinds: Readonly<Record<keyof UpstreamIdentity, Kind>> = {
  subject: filledText,
  username: anyText,
  email: anyText,
};
const tokenKinds: Readonly<Record<keyof UpstreamTokens, Kind>> = {
  token: filledText,
  refreshToken: filledText,
  idToken: filledText,
  expiresAt: time,
  scopes: textList,
  answeredAt: time,
};

/**
 * Checks whom an upstream names. A subject without content would make one user of all who have none.
 *
 * @param upstream - The upstream's name, for messages.
 * @returns What the contract has, and nothing else that the upstream may say.
 * @throws {UpstreamRejectedError} with `server_error` when a member is something else than the contract has.
 */
export function requireIdentity(upstream: string, answer: unknown): UpstreamIdentity {
  const { subject, username, email } = requireKinds<UpstreamIdentity>(upstream, "identify", answer, identityKinds);
  return {
    ...(subject !== undefined && { subject }),
    ...(username !== undefined && { username }),
    ...(email !== undefined && { email }),
  };
}

/**
 * Checks the tokens that an upstream gives.
 *
 * @param method - Which method of the upstream has given them, for messages.
 * @throws {UpstreamRejectedError} with `server_error` when a member is something else than the contract has. No message has
 * a token in it.
 */
export function requireTokens(upstream: string, method: "exchange" | "refresh", answer: unknown): UpstreamTokens {
  const tokens = requireKinds<UpstreamTokens>(upstream, method, answer, tokenKinds);
  if (tokens.token === undefined) throw unlike(upstream, method, "token is missing");
  return tokens;
}

/**
 * Checks where an upstream sends a browser.
 *
 * @throws {UpstreamRejectedError} with `server_error` when it is no `URL`.
 */
export function requireLocation(upstream: string, method: "authorizationUrl" | "logoutUrl", answer: unknown): URL {
  const href: unknown = typeof answer === "object" && answer !== null ? Reflect.get(answer, "href") : undefined;
  // Another realm has another class URL.
  if (typeof href === "string" && URL.canParse(href)) return new URL(href);
  throw unlike(upstream, method, "the answer is no URL, as new URL(…) makes one");
}

function requireKinds<Answer extends object>(
  upstream: string,
  method: string,
  answer: unknown,
  kinds: Readonly<Record<keyof Answer & string, Kind>>,
): Answer {
  if (!isAnswer<Answer>(answer)) throw unlike(upstream, method, "the answer is no object");
  for (const [name, { words, fits }] of Object.entries<Kind>(kinds)) {
    const value: unknown = Reflect.get(answer, name);
    if (value === undefined || fits(value)) continue;
    const isInMilliseconds = words === time.words && typeof value === "number" && value >= latestSeconds;
    throw unlike(
      upstream,
      method,
      `${name} must be ${words}, and is ${isInMilliseconds ? "in milliseconds" : kindOf(value)}`,
    );
  }
  return answer;
}

function isAnswer<Answer extends object>(value: unknown): value is Answer {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unlike(upstream: string, method: string, fault: string): UpstreamRejectedError {
  const advice = `Mend ${method}() of the upstream ${upstream}: ${fault}. What it does not know it leaves out.`;
  return new UpstreamRejectedError("server_error", `${upstream} answers ${method}() as no upstream does: ${fault}.`, {
    advice,
  });
}

/** What a value is, without the value. */
function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (value === "") return "an empty text";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}
