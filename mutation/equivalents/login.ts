import type { Equivalent } from "../equivalent.ts";

const words = "It is a word of a message, for people who read pages and logs.";

/** In `src/provider/login`. */
export const login: readonly Equivalent[] = [
  {
    file: "provider/login/account-login.ts",
    code: 'this.#settings.upstreams.byId(transaction.upstream)?.name ?? "The identity provider"',
    to: 'this.#settings.upstreams.byId(transaction.upstream)?.name && "The identity provider"',
    why: words,
  },
  { file: "provider/login/account-login.ts", code: '"The identity provider"', why: words },
  {
    file: "provider/login/account-sessions.ts",
    code: "id === undefined",
    to: "false",
    why: "The text “undefined” has not the form of an id, which is asked next; the compiler asks for it.",
  },
  {
    file: "provider/login/allowed-applications.ts",
    code: "logins.push(grant) % listedInOneTurn === 0",
    to: "logins.push(grant) % listedInOneTurn !== 0",
    why: "That others get their turn more often costs time only.",
  },
  {
    file: "provider/login/allowed-applications.ts",
    code: "next < shown.length",
    to: "next <= shown.length",
    why: "A last round looks nothing up.",
  },
  {
    file: "provider/login/authorization-request.ts",
    code: "codeChallenge === undefined",
    to: "false",
    why: "No challenge is no digest either, which is refused next with the same error; the compiler asks for it.",
  },
  {
    file: "provider/login/authorization-request.ts",
    code: "[]",
    to: '["Stryker was here"]',
    why: "It stands in place of grant types that are missing, and neither list has the one that is asked for.",
  },
  {
    file: "provider/login/consent-requests.ts",
    code: '"This page is too old or belongs to another browser."',
    why: words,
  },
  {
    file: "provider/login/consent.ts",
    code: "[]",
    to: '["Stryker was here"]',
    why: "It stands in place of a cookie that does not open. A text in it is no decision and has no time, so it is filtered out.",
  },
  {
    file: "provider/login/consent.ts",
    code: "/^(http:\\/\\/[^/?]*?):\\d+(?=[/?]|$)/",
    to: "/(http:\\/\\/[^/?]*?):\\d+(?=[/?]|$)/",
    why: "Whatever is a loopback URI begins with http, and the first place where it matches is that beginning.",
  },
  {
    file: "provider/login/login-wishes.ts",
    code: '""',
    to: '"Stryker was here!"',
    why: "In place of a prompt that is missing, it has no value of one that is known, and what is not known is left out.",
  },
  {
    file: "provider/login/login.ts",
    code: "`${upstream?.name ?? …",
    why: words,
  },
  { file: "provider/login/login.ts", code: 'upstream?.name ?? "The identity provider"', why: words },
  { file: "provider/login/login.ts", code: '"The identity provider"', why: words },
  {
    file: "provider/login/login.ts",
    code: "revoked !== undefined",
    to: "true",
    why: "A decision that does not stand is one that a revocation has ended, so there is one; the compiler asks for it.",
  },
  {
    file: "provider/login/login.ts",
    code: "url.search .slice(1)",
    to: "url.search",
    why: "The parser of a query and the member that it is assigned to drop the question mark at the beginning.",
  },
  {
    file: "provider/login/login.ts",
    code: "[...new URLSearchParams(pair).keys()].some((name) => Object.hasOwn(parameters, name))",
    to: "[...new URLSearchParams(pair).keys()].every(name => Object.hasOwn(parameters, name))",
    why: "A pair that is not empty has one name.",
  },
  {
    file: "provider/login/unknown-client.ts",
    code: '"This server does not know the client_id; the client has to register."',
    why: words,
  },
  {
    file: "provider/login/upstream-login.ts",
    code: '"This login was not begun in this browser, or is already over."',
    why: words,
  },
  {
    file: "provider/login/upstream-login.ts",
    code: "ahead > 0",
    to: "ahead >= 0",
    why: "Of a clock that is not off nothing is told.",
  },
  {
    file: "provider/login/upstream-login.ts",
    code: "advice === undefined",
    to: "false",
    why: "Advice that is undefined is read as none; the compiler asks for it.",
  },
  { file: "provider/login/upstream-login.ts", code: '"no URL"', why: words },
];
