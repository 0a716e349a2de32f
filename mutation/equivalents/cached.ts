import type { Equivalent } from "../equivalent.ts";

const words = "It is words of a message, for people.";
const named = "It is the name of an option or of a value in a message, for people.";
const tooShort = "What is so short is refused next, as a time in seconds: the same error.";
const moreMarks = "A copy is marked as used more often than it has to be, which only costs time.";

/** In `src/storage/cached`. */
export const cached: readonly Equivalent[] = [
  { file: "storage/cached/cache-over-cache.ts", code: '"A CachedRepository is in front of another one:…', why: words },
  { file: "storage/cached/cached-repository.ts", code: '"CachedRepository: the repository behind it"', why: named },
  { file: "storage/cached/cached-repository.ts", code: '"the backend of a cache"', why: named },
  {
    file: "storage/cached/cached-repository.ts",
    code: "{ return false; }",
    to: "{}",
    why: "What a function answers that ends is as false.",
  },
  { file: "storage/cached/cached-repository.ts", code: '"where allowed"', why: "Only “never” is asked for." },
  {
    file: "storage/cached/cached-repository.ts",
    code: "this.#maxStandInAge === 0",
    to: "false",
    why: "Copies that can never stand in are never served either: it is for memory.",
  },
  {
    file: "storage/cached/cached-repository.ts",
    code: "read === given",
    to: "false",
    why: "What is frozen is copied once more, which only costs time and memory.",
  },
  {
    file: "storage/cached/cached-repository.ts",
    code: "this.#names.release(name);",
    why: "Nothing is kept under a name that is held for nothing: it is for memory.",
  },
  {
    file: "storage/cached/cached-repository.ts",
    code: "key === undefined",
    to: "false",
    why: "Nothing is kept without a key; the compiler asks for it.",
  },
  {
    file: "storage/cached/copies.ts",
    code: "this.#turnover - copy.usedAt < this.#unmarkedTurnover",
    to: "false",
    why: moreMarks,
  },
  {
    file: "storage/cached/copies.ts",
    code: "this.#turnover - copy.usedAt",
    to: "this.#turnover + copy.usedAt",
    why: moreMarks,
  },
  {
    file: "storage/cached/copies.ts",
    code: "Math.max(1, Math.floor(max * unmarkedPart))",
    to: "Math.min(1, Math.floor(max * unmarkedPart))",
    why: moreMarks,
  },
  {
    file: "storage/cached/message-publisher.ts",
    code: "() => this.#rounds.delete(round)",
    why: "Whoever closes waits for the rounds, and one that is over is over: it is for memory.",
  },
  {
    file: "storage/cached/message-publisher.ts",
    code: "outcomes[index]?.status",
    why: "There are as many outcomes as messages; the compiler asks for it.",
  },
  { file: "storage/cached/options.ts", code: '"CachedRepository"', why: named },
  { file: "storage/cached/options.ts", code: '"staleIfError"', why: named },
  { file: "storage/cached/options.ts", code: '"maxStaleness"', why: named },
  { file: "storage/cached/options.ts", code: '"staleIfError.maxAge"', why: named },
  { file: "storage/cached/options.ts", code: '"invalidation"', why: named },
  { file: "storage/cached/options.ts", code: '"give an InvalidationChannel, such as…', why: words },
  {
    file: "storage/cached/options.ts",
    code: "value <= 0",
    to: "false",
    why: tooShort,
  },
  { file: "storage/cached/options.ts", code: "value <= 0", to: "value < 0", why: tooShort },
  { file: "storage/cached/record-names.ts", code: '"key"', why: "Only “sha256” is asked for." },
];
