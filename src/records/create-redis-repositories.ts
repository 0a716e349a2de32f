import type { ZodType } from "zod";
import { ConfigurationError } from "../errors.ts";
import type { KeyRing } from "../secrets/key-ring.ts";
import { sealed } from "../storage/codecs/sealed.ts";
import type { RedisLike } from "../storage/redis/redis-like.ts";
import { RedisRepository, type RedisRepositoryOptions } from "../storage/redis/redis-repository.ts";
import { type AccessToken, AccessTokenSchema } from "./access-token.ts";
import { type AuthorizationCode, AuthorizationCodeSchema } from "./authorization-code.ts";
import { type ClientAssertion, ClientAssertionSchema } from "./client-assertion.ts";
import { type Grant, GrantSchema } from "./grant.ts";
import { type OAuthClientInformation, OAuthClientInformationSchema } from "./oauth-client-information.ts";
import { type RefreshToken, RefreshTokenSchema } from "./refresh-token.ts";

/** Every repository of a provider, in Redis. */
export interface RedisRepositories extends AsyncDisposable {
  readonly accessTokens: RedisRepository<AccessToken>;
  readonly authorizationCodes: RedisRepository<AuthorizationCode>;
  readonly refreshTokens: RedisRepository<RefreshToken>;
  readonly clients: RedisRepository<OAuthClientInformation>;
  readonly grants: RedisRepository<Grant>;
  readonly clientAssertions: RedisRepository<ClientAssertion>;
}

/** The options of {@link createRedisRepositories}. */
export interface RedisRepositoriesOptions extends Omit<RedisRepositoryOptions<never>, "prefix" | "expiresAt"> {
  /**
   * What the prefix of every kind of record begins with: 1 to 40 of `a-z`, `0-9`, `_` and `-`. Default `pangea`, so that
   * access tokens have the prefix `pangea-access_token`.
   */
  readonly namespace?: string;
  /**
   * Seals every record, since Redis keeps what it is given in plain text: in memory, on disk, in backups. Without it who
   * reads Redis reads which client acts for which user with which scopes, and who can write to it can forge records. The
   * users' Pangea tokens cannot be read either way: the provider seals them in their grants.
   */
  readonly keys?: KeyRing;
}

/**
 * Builds every repository of a provider in Redis, each kind of record under a prefix of its own.
 *
 * @param redis - A client with the settings of `redisOptions()` or `clusterOptions()`. It stays open.
 * @throws {ConfigurationError} That names the option that is wrong.
 *
 * @example
 * ```ts
 * const redis = new Redis(process.env.REDIS_URL, redisOptions());
 * const repositories = createRedisRepositories(redis, { keys: KeyRing.from(process.env.STORAGE_SECRET) });
 * const provider = new PangeaOAuthProvider({ ...settings, repositories });
 * ```
 */
export function createRedisRepositories(redis: RedisLike, options: RedisRepositoriesOptions = {}): RedisRepositories {
  const { namespace = "pangea", keys, ...common } = options;
  if (!/^[a-z0-9_-]{1,40}$/.test(namespace)) {
    throw new ConfigurationError("namespace must be 1 to 40 of the characters a-z, 0-9, _ and -.");
  }
  const create = <V>(schema: ZodType<V>, kind: string): RedisRepository<V> =>
    new RedisRepository<V>(keys === undefined ? schema : sealed(schema, keys), redis, {
      ...common,
      prefix: `${namespace}-${kind}`,
    });
  const repositories = {
    accessTokens: create<AccessToken>(AccessTokenSchema, "access_token"),
    authorizationCodes: create<AuthorizationCode>(AuthorizationCodeSchema, "authorization_code"),
    refreshTokens: create<RefreshToken>(RefreshTokenSchema, "refresh_token"),
    clients: create<OAuthClientInformation>(OAuthClientInformationSchema, "client"),
    grants: create<Grant>(GrantSchema, "grant"),
    clientAssertions: create<ClientAssertion>(ClientAssertionSchema, "client_assertion"),
  };
  return {
    ...repositories,
    async [Symbol.asyncDispose]() {
      await Promise.all(Object.values(repositories).map((repository) => repository[Symbol.asyncDispose]()));
    },
  };
}
