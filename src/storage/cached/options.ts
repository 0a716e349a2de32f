import { ConfigurationError } from "../../errors.ts";
import {
  type OptionKinds,
  requireMethods,
  requireNoSeconds,
  requireOptions,
  requireThat,
} from "../../option-checks.ts";
import { type ExpiryOptions, expiryOptionKinds } from "../expiry.ts";
import type { InvalidationChannel } from "./invalidation.ts";

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

/** Answers from an old copy while the backend fails, see `staleIfError` in {@link CachedRepositoryOptions}. */
export interface StaleIfErrorOptions<V> {
  /** How old a copy may be, in milliseconds. A copy is never served past its record's own expiry. */
  readonly maxAge: number;
  /**
   * Says in words what is served, since an old copy may be of a record that has been deleted since: records that are
   * neither single-use nor revoked in a hurry, as registered clients are. Nothing is accepted for a type of records with
   * `scopes`, or with an `expiresAt` that is not optional: those are tokens, codes or grants.
   */
  readonly records: [ConveysAuthority<V>] extends [never] ? "long-lived" : never;
}

/** What a `CachedRepository` does. */
export interface CachedRepositoryOptions<V> extends ExpiryOptions<V> {
  /** How many records are kept at most. */
  readonly max: number;
  /**
   * How long a record is answered from memory at most, in milliseconds since the backend was asked for it. The bound on
   * how long a record that was changed or revoked elsewhere lives on here, where no `invalidation` is heard: a day at the
   * most.
   */
  readonly maxStaleness: number;
  /**
   * Tells this cache of changes that other instances make, and them of its own. While the channel is down nothing is
   * answered from memory.
   */
  readonly invalidation?: InvalidationChannel;
  /**
   * Told when a change could not be published. The write itself was done; other instances hear of it when their copies
   * are `maxStaleness` old. What it throws is an uncaught exception and does not change the outcome of the write.
   */
  readonly onPublishFailure?: (error: unknown) => void;
  /** Answers from an old copy while the backend fails. Default: the failure is thrown. */
  readonly staleIfError?: StaleIfErrorOptions<V>;
}

/** What a `Map` of V8 holds at most. */
const maxEntries = 2 ** 24;

const optionKinds: OptionKinds<CachedRepositoryOptions<never>> = {
  ...expiryOptionKinds,
  max: "any",
  maxStaleness: "any",
  invalidation: "object",
  onPublishFailure: "function",
  staleIfError: "object",
};

const staleIfErrorKinds: OptionKinds<StaleIfErrorOptions<never>> = { maxAge: "any", records: "any" };

const channelRemedy =
  "give an InvalidationChannel, such as new RedisTrackingInvalidation(redis) or new RedisPubSubInvalidation(redis, { prefix })";

/**
 * Checks a channel. A client of Redis has a method `subscribe` as well, which takes the name of a channel there.
 *
 * @throws {ConfigurationError} when it is something else.
 */
export function requireChannel(name: string, channel: InvalidationChannel): void {
  requireMethods(name, channel, ["subscribe"], channelRemedy);
  const isChannel = ["sha256", "key"].includes(channel.names);
  requireThat(
    isChannel,
    `${name} does not say how it names records, as a client of a store does not: ${channelRemedy}.`,
  );
}

/** @throws {ConfigurationError} when the types would have refused the options, or a number is out of range. */
export function assertOptions<V>(options: CachedRepositoryOptions<V>): void {
  requireThat(options !== undefined, "CachedRepository takes an object of options, with max and maxStaleness.");
  requireOptions("CachedRepository", options, optionKinds);
  const { max, maxStaleness, staleIfError, invalidation } = options;
  if (invalidation !== undefined) {
    requireChannel("invalidation", invalidation);
  }
  if (!Number.isSafeInteger(max) || max < 1 || max > maxEntries) {
    throw new ConfigurationError(`max must be a whole number from 1 to ${maxEntries}.`);
  }
  assertDuration("maxStaleness", maxStaleness, 24 * 60 * 60 * 1000);
  if (staleIfError === undefined) return;
  requireOptions("CachedRepository", staleIfError, staleIfErrorKinds, "staleIfError");
  assertDuration("staleIfError.maxAge", staleIfError.maxAge, 365 * 24 * 60 * 60 * 1000);
  requireThat(
    staleIfError.maxAge > maxStaleness,
    `staleIfError.maxAge is in milliseconds and must be longer than maxStaleness (${maxStaleness}), while which a copy is served anyway.`,
  );
  if (staleIfError.records !== "long-lived") throw new ConfigurationError('staleIfError.records must be "long-lived".');
}

function assertDuration(name: string, value: number, max: number): void {
  if (!Number.isFinite(value) || value <= 0 || value > max) {
    throw new ConfigurationError(`${name} must be a number of milliseconds above 0 and up to ${max}.`);
  }
  requireNoSeconds(name, value);
}
