import type { Equivalent } from "../equivalent.ts";

const words = "It is words of a message, for people.";
const named = "It is the name of an option or of a value in a message, for people.";

/** In `src/storage`. */
export const contract: readonly Equivalent[] = [
  {
    file: "storage/clock-finding.ts",
    code: "ahead > 0",
    to: "ahead >= 0",
    why: "A clock that is not off is in no direction, and none is told of it.",
  },
  { file: "storage/clock-finding.ts", code: "`This machine's clock agrees with that of …", why: words },
  { file: "storage/contract.ts", code: '"a repository has get, set, delete…', why: words },
  { file: "storage/copy-repository.ts", code: '"The source"', why: named },
  { file: "storage/copy-repository.ts", code: '"The target"', why: named },
  { file: "storage/copy-repository.ts", code: '"copyRepository"', why: named },
  {
    file: "storage/copy-repository.ts",
    code: "() => false",
    to: "() => undefined",
    why: "Only whether it is true is asked.",
  },
  {
    file: "storage/copy-repository.ts",
    code: "present !== undefined",
    to: "true",
    why: "What is not there is not equal to a record; where it decides more, another test kills it.",
  },
  {
    file: "storage/copy-repository.ts",
    code: "iterator.return?.()",
    why: "Every listing goes through a generator of this file, which has the method; the compiler asks for it.",
  },
  {
    file: "storage/copy-repository.ts",
    code: "{ signal?.throwIfAborted(); throw failure; }",
    why: "A wait ends early only where the signal is aborted, and the signal is asked once more right after it.",
  },
  {
    file: "storage/copy-repository.ts",
    code: "signal?.throwIfAborted",
    why: "A wait fails only where there is a signal; the compiler asks for it.",
  },
  {
    file: "storage/expiry-fault.ts",
    code: "expiry / perSecond < endOfTimes",
    to: "expiry / perSecond <= endOfTimes",
    why: "It is refused either way; the unit that is named is a guess, in words of a message.",
  },
  { file: "storage/expiry-fault.ts", code: 'typeof expiry === "object"', to: "false", why: words },
  { file: "storage/expiry-fault.ts", code: '"object"', why: words },
  {
    file: "storage/expiry.ts",
    code: 'typeof expiry !== "number"',
    why: "What is no number has a fault already; the compiler asks for it.",
  },
  {
    file: "storage/record-checks.ts",
    code: "requireKey(key);",
    why: "What it refuses is refused by the next line with the same error, if in other words.",
  },
  {
    file: "storage/record-errors.ts",
    code: "{ // A proxy can be made that throws whatever is asked of it. return…",
    why: words,
  },
  { file: "storage/record-errors.ts", code: '"something that cannot be looked at"', why: words },
  { file: "storage/record-indexes.ts", code: '"indexes"', why: named },
  {
    file: "storage/record-indexes.ts",
    code: "one < other",
    to: "one <= other",
    why: "No two members of an object have the same name.",
  },
  {
    file: "storage/record-indexes.ts",
    code: '""',
    to: '"Stryker was here!"',
    why: "Only the ids of the keys are asked for, which are the same for every text.",
  },
  { file: "storage/record-indexes.ts", code: '"it has none"', why: words },
  { file: "storage/record-indexes.ts", code: "`it has ${…", why: words },
  { file: "storage/record-indexes.ts", code: '", "', why: words },
  { file: "storage/record-text.ts", code: '"options"', why: named },
  { file: "storage/record-text.ts", code: '"clock"', why: named },
  {
    file: "storage/record-text.ts",
    code: "expiresAt !== undefined",
    to: "true",
    why: "A record without an expiry has not expired, says what is asked next; it spares a look at the clock.",
  },
  {
    file: "storage/record-text.ts",
    code: "!(error instanceof CorruptRecordError)",
    to: "false",
    why: "Reading an expiry throws no other error.",
  },
  { file: "storage/unreadable-records.ts", code: '"Where another server keeps records here too…', why: words },
  {
    file: "storage/unreadable-records.ts",
    code: "cause.keyId !== undefined",
    to: "true",
    why: "No key has an id that is not there; the compiler asks for it.",
  },
  { file: "storage/unreadable-records.ts", code: "`The cause says what is wrong with…", why: words },
  { file: "storage/unreadable-records.ts", code: '"it"', why: words },
  { file: "storage/unreadable-records.ts", code: '"the first of them"', why: words },
  { file: "storage/unreadable-records.ts", code: '"it was"', why: words },
  { file: "storage/unreadable-records.ts", code: '"they were"', why: words },
  { file: "storage/unreadable-records.ts", code: '"they can be deleted by their keys"', why: words },
];
