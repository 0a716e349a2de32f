import { ConfigurationError } from "../errors.ts";
import { type OptionKinds, requireExactText, requireOptions } from "../option-checks.ts";
import { type KeyRing, requireKeyRing } from "../secrets/key-ring.ts";
import { sealed } from "../storage/codecs/sealed.ts";
import { requireNoEviction, warnOfEviction } from "../storage/redis/eviction-policy.ts";
import type { RedisLike } from "../storage/redis/redis-like.ts";
import type { OtherRedisClient } from "../storage/redis/redis-port.ts";
import {
  RedisRepository,
  type RedisRepositoryOptions,
  redisRepositoryOptionKinds,
} from "../storage/redis/redis-repository.ts";
import { SharedClient } from "../storage/redis/shared-client.ts";
import { type Backend, createRepositories, type RepositoriesOf } from "./repositories.ts";

interface InRedis extends Backend {
  readonly repository: RedisRepository<this["record"]>;
}

/** Every repository of a provider, in Redis. */
export interface RedisRepositories extends RepositoriesOf<InRedis>, AsyncDisposable {
  /** The ids of the keys that records are sealed with, where they are. A provider announces them to its other instances. */
  readonly sealingKeyIds?: readonly string[];
  /**
   * Makes sure that Redis evicts no records: call it when the server starts. The Redis user needs `+info`.
   *
   * @throws {ConfigurationError} when the `maxmemory-policy` is not `noeviction`.
   * @throws {StorageFailure} when Redis does not answer.
   *
   * @example
   * ```ts
   * await repositories.check();
   * ```
   */
  check(): Promise<void>;
}

/** The options of {@link createRedisRepositories}. */
export interface RedisRepositoriesOptions
  extends Omit<RedisRepositoryOptions<never>, "prefix" | "expiresAt" | "indexes"> {
  /**
   * What the prefix of every kind of record begins with: 1 to 40 of `a-z`, `0-9`, `_` and `-`. Default: `pangea`, with which
   * access tokens have the prefix `pangea-access_token`. Servers that share a Redis need a namespace each: with the same one
   * they share everything, and one ends the other's logins. No two namespaces have a key in common, whatever they are called.
   */
  readonly namespace?: string;
  /**
   * Seals every record, since Redis keeps what it is given in plain text: in memory, on disk, in backups. Without it who
   * reads Redis reads which client acts for which user with which scopes, and who can write to it can forge records. The
   * users' Pangea tokens cannot be read either way: the provider seals them in their grants.
   */
  readonly keys?: KeyRing;
}

const { prefix: _prefix, expiresAt: _expiresAt, indexes: _indexes, ...sharedKinds } = redisRepositoryOptionKinds;
const optionKinds: OptionKinds<RedisRepositoriesOptions> = { ...sharedKinds, namespace: "any", keys: "any" };

/**
 * Builds every repository of a provider in Redis, each kind of record under a prefix of its own. Once the client is
 * connected, the process warns with the code `PANGEA_REDIS_EVICTION` of a Redis that may evict records; `check()` refuses
 * such a Redis.
 *
 * @param redis - A client of ioredis, node-redis or Valkey GLIDE, with the settings of `redisOptions()`, `clusterOptions()`,
 * `nodeRedisOptions()`, `nodeRedisClusterOptions()` or `glideOptions()`. It stays open.
 * @throws {ConfigurationError} when an option is wrong; the message names the option.
 *
 * @example
 * ```ts
 * const redis = new Redis(process.env.REDIS_URL, redisOptions());
 * const repositories = createRedisRepositories(redis, { keys: KeyRing.from(process.env.STORAGE_SECRET) });
 * const provider = new PangeaOAuthProvider({ ...settings, repositories });
 * ```
 */
export function createRedisRepositories(
  redis: RedisLike | OtherRedisClient,
  options: RedisRepositoriesOptions = {},
): RedisRepositories {
  requireOptions("createRedisRepositories", options, optionKinds);
  const { namespace = "pangea", keys, ...common } = options;
  requireKeyRing(keys);
  requireExactText("namespace", namespace);
  if (typeof namespace !== "string" || !/^[a-z0-9_-]{1,40}$/.test(namespace)) {
    throw new ConfigurationError("namespace must be 1 to 40 of the characters a-z, 0-9, _ and -.");
  }
  // One view of the client for all kinds: what a request reads of several kinds at once is one command.
  const client = new SharedClient(redis, options.timeout, options.waitForReplicas);
  const repositories = createRepositories<InRedis>(
    (schema, kind, indexes) =>
      new RedisRepository(keys === undefined ? schema : sealed(schema, keys), client, {
        ...common,
        prefix: `${namespace}-${kind}`,
        indexes,
      }),
  );
  const endWarning = warnOfEviction(client);
  return {
    ...repositories,
    ...(keys !== undefined && { sealingKeyIds: keys.ids }),
    check: () => requireNoEviction(client),
    async [Symbol.asyncDispose]() {
      endWarning();
      await Promise.all(Object.values(repositories).map((repository) => repository[Symbol.asyncDispose]()));
    },
  };
}
