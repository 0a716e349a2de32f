import { type OptionKinds, requireOptions, requireThat } from "../option-checks.ts";
import { CachedRepository } from "../storage/cached/cached-repository.ts";
import type { InvalidationChannel, InvalidationSource } from "../storage/cached/invalidation.ts";
import { requireChannel } from "../storage/cached/options.ts";
import { requireRepository } from "../storage/contract.ts";
import { markOfMemory } from "./kept-in-memory.ts";
import { type ProviderRepositories, requireOwnKind } from "./repositories.ts";

/** The kinds of record that are cached. */
const cachedKinds = ["accessTokens", "grants", "clients"] as const;

/** A channel for each kind of record that is cached. */
export type InvalidationChannels = {
  readonly [Kind in (typeof cachedKinds)[number]]?: InvalidationChannel;
};

/** How `cacheRepositories` caches. */
export interface CacheRepositoriesOptions {
  /**
   * How long a cached copy may be served, in milliseconds: without an `invalidation` channel, this is how long a token
   * that was revoked on one instance still works on another.
   */
  readonly maxStaleness: number;
  /** How many records of each kind are kept. Default: 10,000. */
  readonly max?: number;
  /**
   * Tells the other instances what changed here: a `RedisTrackingInvalidation` where the repositories are in Redis, a
   * `RedisPubSubInvalidation` or another channel in front of any store. Or one channel a kind of record; a revocation is
   * written to the grant, so `grants` has to have one where another kind has.
   */
  readonly invalidation?: InvalidationSource | InvalidationChannel | InvalidationChannels;
  /**
   * Told when a change could not be published. Other instances hear of it when their copies are `maxStaleness` old, or
   * before that from a channel that sends it later, as `RedisPubSubInvalidation` does.
   */
  readonly onPublishFailure?: (error: unknown) => void;
  /** How long a client's record may stand in for a store that is out, in milliseconds. Default: 0, not at all. */
  readonly clientsStaleIfError?: number;
  /** The time in milliseconds since the epoch. Default: `Date.now`. */
  readonly clock?: () => number;
}

const optionKinds: OptionKinds<CacheRepositoriesOptions> = {
  maxStaleness: "any",
  max: "any",
  invalidation: "object",
  onPublishFailure: "function",
  clientsStaleIfError: "any",
  clock: "function",
};
const invalidationKinds: OptionKinds<InvalidationChannels> = {
  accessTokens: "object",
  grants: "object",
  clients: "object",
};

/**
 * Puts a write-through cache in front of what every request reads: access tokens, their grants, and clients. A request with
 * a token that was seen before then makes no call to the store.
 *
 * A cache never answers with an authorization code or a refresh token, and what changes a grant or depends on its state
 * reads the store. A list of the records comes from the store. Disposing of what it gives back closes the caches, then the repositories behind them.
 *
 * @throws {ConfigurationError} when a bound is missing or not a number, or `invalidation` leaves out `grants` or reports the
 * changes of other repositories.
 *
 * @example
 * ```ts
 * const repositories = cacheRepositories(createVaultRepositories(token), { maxStaleness: 5_000 });
 * ```
 */
export function cacheRepositories<R extends ProviderRepositories>(
  repositories: R,
  options: CacheRepositoriesOptions,
): R & ProviderRepositories & AsyncDisposable {
  requireThat(options !== undefined, "cacheRepositories takes an object of options, with maxStaleness.");
  requireOptions("cacheRepositories", options, optionKinds);
  for (const kind of cachedKinds) {
    requireRepository(`cacheRepositories: ${kind}`, repositories?.[kind]);
    requireOwnKind("cacheRepositories", kind, repositories[kind]);
  }
  const { maxStaleness, max = 10_000, clientsStaleIfError = 0, clock, onPublishFailure } = options;
  const isAge = Number.isFinite(clientsStaleIfError) && clientsStaleIfError >= 0;
  requireThat(isAge, "clientsStaleIfError must be a number of milliseconds, 0 for not at all.");
  const standsIn = clientsStaleIfError === 0 || clientsStaleIfError > maxStaleness;
  requireThat(
    standsIn,
    `clientsStaleIfError is in milliseconds and must be longer than maxStaleness (${maxStaleness}), while which a copy is served anyway.`,
  );
  const invalidation = channelsOf(repositories, options.invalidation);
  const bounds = {
    max,
    maxStaleness,
    ...(clock !== undefined && { clock }),
    ...(onPublishFailure !== undefined && { onPublishFailure }),
  };
  const accessTokens = new CachedRepository(repositories.accessTokens, {
    ...bounds,
    ...(invalidation.accessTokens !== undefined && { invalidation: invalidation.accessTokens }),
  });
  const grants = new CachedRepository(repositories.grants, {
    ...bounds,
    ...(invalidation.grants !== undefined && { invalidation: invalidation.grants }),
  });
  const clients = new CachedRepository(repositories.clients, {
    ...bounds,
    ...(invalidation.clients !== undefined && { invalidation: invalidation.clients }),
    ...(clientsStaleIfError > 0 && { staleIfError: { maxAge: clientsStaleIfError, records: "long-lived" } }),
  });
  return {
    ...repositories,
    ...markOfMemory(repositories),
    accessTokens,
    grants,
    clients,
    async [Symbol.asyncDispose]() {
      await Promise.all([accessTokens, grants, clients].map((cache) => cache[Symbol.asyncDispose]()));
      if (isDisposable(repositories)) await repositories[Symbol.asyncDispose]();
    },
  };
}

/** The channel of each kind, whatever they are given as. */
function channelsOf(
  repositories: ProviderRepositories,
  given: CacheRepositoriesOptions["invalidation"] = {},
): InvalidationChannels {
  if (isSource(given)) return forEachKind((kind) => given.forRepository(repositories[kind]));
  if (isChannel(given)) {
    requireChannel("invalidation", given);
    return forEachKind(() => given);
  }
  requireOptions("cacheRepositories", given, invalidationKinds, "invalidation");
  for (const kind of cachedKinds) {
    const channel = given[kind];
    if (channel !== undefined) requireChannel(`invalidation.${kind}`, channel);
  }
  requireThat(
    given.grants !== undefined || Object.keys(given).length === 0,
    "invalidation.grants is missing: other instances would hear of revocations only after maxStaleness.",
  );
  return given;
}

function forEachKind(channelOf: (kind: keyof InvalidationChannels) => InvalidationChannel): InvalidationChannels {
  return Object.fromEntries(cachedKinds.map((kind) => [kind, channelOf(kind)]));
}

function isSource(given: object): given is InvalidationSource {
  return "forRepository" in given && typeof given.forRepository === "function";
}

function isChannel(given: object): given is InvalidationChannel {
  return "subscribe" in given && typeof given.subscribe === "function";
}

function isDisposable(repositories: object): repositories is AsyncDisposable {
  return Symbol.asyncDispose in repositories;
}
