import type { Equivalent } from "../equivalent.ts";

/** In `src/provider/grants`. */
export const grants: readonly Equivalent[] = [
  {
    file: "provider/grants/consent-revocations.ts",
    code: "names.sort()",
    to: "names",
    why: "The keys are asked for in one order, so the answers are in one order anyway.",
  },
  {
    file: "provider/grants/consent-revocations.ts",
    code: '""',
    to: '"Stryker was here!"',
    why: "Only an operator's tool knows no issuer, and it knows no server either: such a key has no issuer. The compiler asks for it.",
  },
  {
    file: "provider/grants/grant-key.ts",
    code: "all.slice(1)",
    to: "all",
    why: "What opens with one of two keys opens with it beside its like: it saves a derivation.",
  },
  {
    file: "provider/grants/grant-directory.ts",
    code: '"one that their records do not name"',
    why: "They are words of a message.",
  },
  {
    file: "provider/grants/grant-directory.ts",
    code: 'issuer ?? "one that their records do not name"',
    why: "They are words of a message.",
  },
  {
    file: "provider/grants/grant-directory.ts",
    code: '(issuer) => issuer ?? "one that their records do not name"',
    why: "They are words of a message.",
  },
  {
    file: "provider/grants/grant-directory.ts",
    code: "({ issuer }) => issuer",
    why: "It lists the upstreams in a message.",
  },
  {
    file: "provider/grants/grant-directory.ts",
    code: '", "',
    why: "It stands between the words of a message.",
  },
  {
    file: "provider/grants/grant-directory.ts",
    code: '"The filter ({} for all grants)"',
    why: "They are words of a message.",
  },
  {
    file: "provider/grants/grant-directory.ts",
    code: '""',
    why: "It stands in place of an issuer that nobody knows, and is no issuer, whatever it is.",
  },
  {
    file: "provider/grants/grant-directory.ts",
    code: "upstreams?.only?.issuer",
    to: "upstreams?.only.issuer",
    why: "Where there are several upstreams, a subject without an issuer was refused before. The compiler asks for it.",
  },
  {
    file: "provider/grants/grant-directory.ts",
    code: "found.length < summarisedTogether",
    why: "How many are read at once is for speed: each is given all the same.",
  },
  {
    file: "provider/grants/grant-uses.ts",
    code: "quietUntil !== undefined",
    to: "true",
    why: "A comparison with undefined is false anyway.",
  },
  {
    file: "provider/grants/grant-uses.ts",
    code: "() => this.#underWay.delete(writing)",
    why: "A write that is over keeps nobody waiting: it is for memory.",
  },
  {
    file: "provider/grants/operator-grants.ts",
    code: '"The store"',
    why: "It is a word of a message, for people.",
  },
  {
    file: "provider/grants/operator-grants.ts",
    code: "{ end: async () => {} }",
    why: "It is called with a key of the grant only, and an operator's tool has none. The compiler asks for it.",
  },
  {
    file: "provider/grants/retries.ts",
    code: "this.#stopTimer === undefined",
    to: "false",
    why: "Where something was kept before there is a timer, or what is under way sets one at its end. Where nothing was, this is what is due first.",
  },
  {
    file: "provider/grants/retries.ts",
    code: "from < left.length",
    to: "from <= left.length",
    why: "What begins at the end of a list is an empty part of it: nothing is tried.",
  },
  {
    file: "provider/grants/upstream-refresh-lock.ts",
    code: "held !== undefined",
    to: "true",
    why: "The release of no lock fails before it asks the store anything, and that failure is passed over. The compiler asks for it.",
  },
  {
    file: "provider/grants/upstream-refresh-lock.ts",
    code: "(await this.#read(key))?.owner",
    to: "(await this.#read(key)).owner",
    why: "Where a lock is released that is gone, the failure is passed over. Where a lock is taken, it is tested.",
  },
  {
    file: "provider/grants/upstream-revocations.ts",
    code: 'typeof outcome === "object"',
    to: "true",
    why: "Where it is asked for a refusal, what is no object has no failure, and so is no refusal. The compiler asks for it.",
  },
  {
    file: "provider/grants/upstream-revocations.ts",
    code: 'outcome === "nobody to tell"',
    to: "false",
    why: "It has no failure, so the next check gives it back as it is. The compiler asks for it.",
  },
  {
    file: "provider/grants/upstream-revocations.ts",
    code: '"nobody to tell"',
    why: "It is one of the outcomes that are neither told nor a failure, whatever it is called.",
  },
  {
    file: "provider/grants/upstream-revocations.ts",
    code: '"refused"',
    why: "It is one of the outcomes that are neither told nor a failure, whatever it is called.",
  },
  {
    file: "provider/grants/upstream-revocations.ts",
    code: '""',
    why: "Only an upstream that was found refuses, and it has an issuer. The compiler asks for it.",
  },
  {
    file: "provider/grants/upstream-sessions.ts",
    code: "time !== undefined",
    to: "true",
    why: "A comparison with undefined is false anyway.",
  },
];
