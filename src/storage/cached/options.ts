import { ConfigurationError } from "../../errors.ts";
import { requireTimerLength } from "../../option-checks.ts";
import type { ReadExpiry } from "../expiry.ts";
import type { InvalidationChannel } from "./invalidation.ts";

/** A budget of entries. */
export interface BoundedByEntries {
  /** How many records are kept at most. */
  readonly max: number;
  readonly maxBytes?: never;
  readonly sizeOf?: never;
}

/** A budget of bytes, and of entries too where `max` is given. */
export interface BoundedByBytes<V> {
  /** How many records are kept at most. */
  readonly max?: number;
  /** How many bytes the records take at most, as `sizeOf` counts them. */
  readonly maxBytes: number;
  /** The bytes that a record takes in memory: a whole number above 0. A record above `maxBytes` is not kept. */
  readonly sizeOf: (value: V, key: string) => number;
}

/** Known-absent caching, see `absent` in {@link CachedRepositorySettings}. */
export interface AbsentOptions {
  /** How many keys are kept at most. */
  readonly max: number;
  /** How long a key counts as absent without asking the backend, in milliseconds. */
  readonly maxStaleness: number;
}

/**
 * True for a type of records that convey authority (they have `scopes`) or always run out (their `expiresAt` is not
 * optional): tokens, codes, grants.
 */
type ConveysAuthority<V> = V extends unknown
  ? "scopes" extends keyof V
    ? true
    : V extends { readonly expiresAt: number }
      ? true
      : never
  : never;

/**
 * Answers from an old copy while the backend fails, see `staleIfError` in {@link CachedRepositorySettings}.
 *
 * `records` says in words what is served, since an old copy may be of a record that has been deleted since:
 * - `"long-lived"`: records that are neither single-use nor revoked in a hurry, as registered clients are. Not accepted
 *   for a type of records with `scopes`, or with an `expiresAt` that is not optional: those are tokens, codes or grants.
 * - `"even-if-revoked-or-used"`: any records, at your own risk.
 */
export interface StaleIfErrorOptions<V> {
  /** How old a copy may be, in milliseconds. A copy is never served past its record's own expiry. */
  readonly maxAge: number;
  readonly records: [ConveysAuthority<V>] extends [never]
    ? "long-lived" | "even-if-revoked-or-used"
    : "even-if-revoked-or-used";
}

/** What a `CachedRepository` does, apart from its bounds. */
export interface CachedRepositorySettings<V> {
  /**
   * How long a record is answered from memory at most, in milliseconds since the backend was asked for it. The bound on
   * how long a record that was changed or revoked elsewhere lives on here, where no `invalidation` is heard.
   */
  readonly maxStaleness: number;
  /** How long a read of the backend may take, in milliseconds. Default 10,000. */
  readonly loadTimeout?: number;
  /** The time in milliseconds since the epoch. Default `Date.now`. */
  readonly clock?: () => number;
  /** Reads a record's expiry, in epoch seconds. Default: its `expiresAt`. */
  readonly expiresAt?: ReadExpiry<V>;
  /** Tells this cache of changes that other instances make, and them of its own. */
  readonly invalidation?: InvalidationChannel;
  /**
   * The bound in place of `maxStaleness` while the invalidation channel is down, in milliseconds: the shorter of the two
   * counts. Default 0: the backend is asked every time.
   */
  readonly maxStalenessWhileDown?: number;
  /**
   * Told when a change could not be published. The write itself was done; other instances hear of it when their copies
   * are `maxStaleness` old. What it throws is an uncaught exception and does not change the outcome of the write.
   */
  readonly onPublishFailure?: (error: unknown) => void;
  /** Remembers which keys the backend has no record of. Off by default: each such key is asked for every time. */
  readonly absent?: AbsentOptions;
  /** Answers from an old copy while the backend fails. Off by default: the failure is thrown. */
  readonly staleIfError?: StaleIfErrorOptions<V>;
  /** True to close the backend when the cache is closed. Default false. */
  readonly ownsBackend?: boolean;
}

/** The options of `CachedRepository`: its bounds and settings. */
export type CachedRepositoryOptions<V> = CachedRepositorySettings<V> & (BoundedByEntries | BoundedByBytes<V>);

/** What a `Map` of V8 holds at most. */
const maxEntries = 2 ** 24;

/** @throws `ConfigurationError` for options that the types would have refused, and for numbers out of range. */
export function assertOptions<V>(options: CachedRepositoryOptions<V>): void {
  const { max, maxBytes, sizeOf, absent, staleIfError, loadTimeout, maxStalenessWhileDown } = options;
  if (max === undefined && maxBytes === undefined) {
    throw new ConfigurationError("A cache needs a bound: give max (entries) or maxBytes with sizeOf.");
  }
  if (max !== undefined) assertCount("max", max, maxEntries);
  if (maxBytes !== undefined) {
    assertCount("maxBytes", maxBytes, Number.MAX_SAFE_INTEGER);
    if (typeof sizeOf !== "function") throw new ConfigurationError("maxBytes needs sizeOf, which counts the bytes.");
  }
  assertDuration("maxStaleness", options.maxStaleness);
  if (loadTimeout !== undefined) {
    requireTimerLength("loadTimeout", loadTimeout);
  }
  if (maxStalenessWhileDown !== undefined && maxStalenessWhileDown !== 0) {
    assertDuration("maxStalenessWhileDown", maxStalenessWhileDown);
  }
  if (absent !== undefined) {
    assertCount("absent.max", absent.max, maxEntries);
    assertDuration("absent.maxStaleness", absent.maxStaleness);
  }
  if (staleIfError !== undefined) {
    assertDuration("staleIfError.maxAge", staleIfError.maxAge);
    if (staleIfError.records !== "long-lived" && staleIfError.records !== "even-if-revoked-or-used") {
      throw new ConfigurationError('staleIfError.records must be "long-lived" or "even-if-revoked-or-used".');
    }
  }
}

function assertCount(name: string, value: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > most) {
    throw new ConfigurationError(`${name} must be a whole number from 1 to ${most}.`);
  }
}

function assertDuration(name: string, value: number): void {
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0) {
    throw new ConfigurationError(`${name} must be a number of milliseconds above 0.`);
  }
}
