import { types } from "node:util";
import { ConfigurationError, InvalidRecordError } from "../errors.ts";
import { type OptionKinds, requireKind } from "../option-checks.ts";
import type { RecordLocation } from "./codecs/codec.ts";
import { expiryFault } from "./expiry-fault.ts";
import { corruptRecord, nameOfThrown } from "./record-errors.ts";

/**
 * Reads a record's absolute expiry: a `Date`, or a number of seconds since the epoch; undefined for a record that never
 * expires.
 */
export type ReadExpiry<V> = (value: V) => Date | number | undefined;

/** How a repository tells whether a record has expired. */
export interface ExpiryOptions<V> {
  /** The time in milliseconds since the epoch. Default: `Date.now`. */
  readonly clock?: () => number;
  /**
   * Reads a record's expiry, as a `Date` or in seconds since the epoch. Default: its `expiresAt`, which then has to be a
   * number of seconds, or absent in a record that never expires.
   */
  readonly expiresAt?: ReadExpiry<V>;
}

/** The optional capability of a repository whose records tell their expiry in another way than by `expiresAt`. */
export interface ReadsExpiry<V> {
  /** The option `expiresAt` that the repository was made with; undefined where there was none. */
  readonly readExpiry: ReadExpiry<V> | undefined;
}

/** How a repository reads the expiry of its records; undefined where they have `expiresAt`, or it does not say. */
export function readExpiryOf<V>(repository: object & Partial<ReadsExpiry<V>>): ReadExpiry<V> | undefined {
  return typeof repository.readExpiry === "function" ? repository.readExpiry : undefined;
}

/** All options of how a repository tells time. */
export const expiryOptionKinds: OptionKinds<ExpiryOptions<never>> = { clock: "function", expiresAt: "function" };

/**
 * When records expire. An expiry that is no time fails closed: a record that is to be written with one is refused, and a
 * stored record that has one is corrupt, never absent and never alive.
 */
export class RecordExpiry<V> {
  readonly #read: (value: V) => unknown;

  /**
   * @param read - Reads a record's expiry. Default: its `expiresAt`.
   * @throws {ConfigurationError} when it is no function.
   */
  constructor(read: ReadExpiry<V> | undefined) {
    requireKind("expiresAt", read, "function");
    this.#read = read === undefined ? memberExpiresAt : timeReadBy(read);
  }

  /**
   * The expiry of a record that is to be written, in epoch seconds.
   *
   * @throws {InvalidRecordError} when it is neither undefined nor a number of seconds up to the end of the year 2200.
   */
  ofNew(value: V): number | undefined {
    return this.#secondsOr(value, (fault) => new InvalidRecordError(`The record cannot be written: ${fault}.`));
  }

  /**
   * Checks that a copy of a record that is to be written has kept its expiry: a copy has the enumerable members of the record
   * itself, and an `expiresAt` that is none of them is lost, so that the copy would never expire.
   *
   * @param given - The expiry of the record, as `ofNew` gave it.
   * @throws {InvalidRecordError} when that of the copy is another one.
   */
  requireKept(given: number | undefined, copy: V): void {
    const kept = this.ofNew(copy);
    if (given === kept) return;
    // A getter that counts from now may have come to the next second.
    if (given !== undefined && kept !== undefined && Math.abs(kept - given) <= 1) return;
    throw new InvalidRecordError(
      "The record cannot be written: its expiresAt is lost, or another one, in a copy of it: make it an enumerable property of the record itself.",
    );
  }

  /**
   * The expiry of a record that the store holds, in epoch seconds.
   *
   * @throws {CorruptRecordError} when it is neither undefined nor a number of seconds up to the end of the year 2200.
   */
  ofStored(value: V, location: RecordLocation): number | undefined {
    return this.#secondsOr(value, (fault) => corruptRecord(location, fault));
  }

  #secondsOr(value: V, failure: (fault: string) => Error): number | undefined {
    let expiry: unknown;
    try {
      expiry = this.#read(value);
    } catch (error) {
      // Without the cause, which may quote the record.
      throw failure(`the option expiresAt could not read its expiry and threw ${nameOfThrown(error)}`);
    }
    if (expiry === undefined) return undefined;
    const fault = expiryFault(expiry);
    if (fault !== undefined || typeof expiry !== "number") throw failure(`its expiresAt ${fault}`);
    return expiry;
  }
}

/** The member `expiresAt` of a record, whatever it is; undefined for a record that has none. */
function memberExpiresAt(value: unknown): unknown {
  return typeof value === "object" && value !== null && "expiresAt" in value ? value.expiresAt : undefined;
}

function timeReadBy<V>(read: ReadExpiry<V>): (value: V) => unknown {
  return (value) => {
    const time: unknown = read(value);
    // It is refused as what it is; where it rejects too, nobody else would hear of that, and the process would end.
    if (types.isPromise(time)) time.catch(() => undefined);
    return types.isDate(time) ? time.getTime() / 1000 : time;
  };
}

/** The expiry of a record that carries it as `expiresAt`, in epoch seconds. */
export function readExpiresAt(value: unknown): number | undefined {
  return ofMember.ofNew(value);
}

const ofMember = new RecordExpiry<unknown>(undefined);

/**
 * True from the moment on at which a record counts as absent. A time before the epoch, and the epoch itself, was long
 * ago: 0 does not stand for "never".
 *
 * @param expiresAt - In epoch seconds.
 * @param now - In milliseconds since the epoch.
 * @throws {ConfigurationError} when `now` is no such time: nothing would ever expire by it.
 */
export function isExpired(expiresAt: number | undefined, now: number): boolean {
  return expiresAt !== undefined && expiresAt * 1000 <= requireTime(now);
}

/**
 * What a clock says, where that can be a time in milliseconds. From 1e9 to 1e10 is what a clock in seconds
 * says from 2001 until 2286; a clock in milliseconds said it in the first weeks of 1970.
 *
 * @throws {ConfigurationError} when it is no finite number, or looks like seconds.
 */
export function requireTime(now: number): number {
  if (Number.isFinite(now) && (now < 1e9 || now >= 1e10)) return now;
  throw new ConfigurationError("clock must give the time in milliseconds since the epoch, as Date.now does.");
}
