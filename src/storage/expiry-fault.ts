import { types } from "node:util";

/** The first second after the year 2200. A later time is a mistake, most likely one of units. */
const endOfTimes = Date.UTC(2201, 0, 1) / 1000;

const units = [
  ["milliseconds", 1000],
  ["microseconds", 1e6],
  ["nanoseconds", 1e9],
] as const;

/**
 * What is wrong with a record's expiry, as the end of a sentence that begins with "its expiresAt", with the likely mistake
 * and its remedy; undefined for a number of seconds since the epoch. Nothing of the value is in it.
 */
export function expiryFault(expiry: unknown): string | undefined {
  if (typeof expiry !== "number") return `is ${kindOf(expiry)}`;
  if (Number.isNaN(expiry)) {
    return "is NaN: the calculation that made it went wrong, as with a date that is invalid or a number that is missing";
  }
  if (expiry === Number.POSITIVE_INFINITY) return "is Infinity: leave it out of a record that never expires";
  if (expiry === Number.NEGATIVE_INFINITY) return "is -Infinity: give seconds since the epoch";
  if (expiry < endOfTimes) return undefined;
  for (const [unit, perSecond] of units) {
    if (expiry / perSecond < endOfTimes) {
      return `lies beyond the year 2200 and looks like ${unit}: divide it by ${perSecond}, it counts seconds since the epoch`;
    }
  }
  return "lies beyond the year 2200: leave it out of a record that never expires";
}

function kindOf(expiry: unknown): string {
  const seconds = "give a number of seconds since the epoch";
  if (expiry === null) return "null: leave it out, or give undefined, for a record that never expires";
  if (types.isDate(expiry)) {
    const option = "or read it with the repository's option expiresAt: (value) => value.expiresAt";
    return `a Date: give seconds, Math.floor(date.getTime() / 1000), ${option}`;
  }
  if (types.isPromise(expiry)) return "a promise: the option expiresAt must not be async";
  if (typeof expiry === "bigint") return `a bigint: ${seconds}, Number(expiresAt)`;
  if (typeof expiry === "string") return `a string: ${seconds}, or Date.parse(expiresAt) / 1000 of a date in text`;
  return `${typeof expiry === "object" ? "an object" : `a ${typeof expiry}`}: ${seconds}`;
}
