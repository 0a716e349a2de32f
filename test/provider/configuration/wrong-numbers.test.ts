import { Redis } from "ioredis";
import { describe, it } from "vitest";
import { startPangeaEmulator } from "../../../src/emulator.ts";
import {
  CachedRepository,
  cacheRepositories,
  copyRepository,
  createInMemoryRepositories,
  InMemoryRepository,
  jsonCodec,
  oAuth2,
  openIdConnect,
  PangeaOAuthProvider,
  retrying,
} from "../../../src/index.ts";
import { createPostgresRepositories, PostgresInvalidation, postgresOptions } from "../../../src/postgres.ts";
import { LockSchema } from "../../../src/records/lock.ts";
import {
  clusterOptions,
  createRedisRepositories,
  glideOptions,
  nodeRedisClusterOptions,
  nodeRedisOptions,
  RedisPubSubInvalidation,
  RedisTrackingInvalidation,
  redisOptions,
} from "../../../src/redis.ts";
import { createSqliteRepositories } from "../../../src/sqlite.ts";
import { superjsonCodec } from "../../../src/superjson.ts";
import { createVaultRepositories } from "../../../src/vault.ts";
import { providerOptions } from "../../support/provider-harness.ts";
import { expectRefusal } from "../../support/wrong-setting.ts";

// Nothing here is typed: it is the compiler that catches most of this, and not everybody has it.
// biome-ignore lint/suspicious/noExplicitAny: what is wrong must not be told by the types.
type Untyped = any;

const memory = createInMemoryRepositories();
const one = new InMemoryRepository<string, { readonly expiresAt?: number }>();
const redis: Untyped = new Redis({ ...redisOptions(), lazyConnect: true });
const postgres: Untyped = { query: async () => [] };
const provider = (options: Untyped) =>
  new PangeaOAuthProvider({ ...providerOptions("https://login.example"), logger: false, ...options });
const client = { clientId: "a", clientSecret: "b", issuer: "https://login.example" };
const oAuth = {
  ...client,
  id: "example",
  name: "Example",
  authorizationEndpoint: "https://login.example/authorize",
  tokenEndpoint: "https://login.example/token",
  identify: async () => ({ subject: "a" }),
};
const limit = (changes: Untyped) => ({ perCaller: { token: { requests: 5, perSeconds: 60, ...changes } } });

/** Every option that is a number, by what takes it. A row more is all that a new one needs. */
const takers: readonly (readonly [taker: string, make: (option: Untyped) => unknown, options: readonly string[]])[] = [
  [
    "PangeaOAuthProvider",
    provider,
    [
      "accessTokenLifetimeSeconds",
      "refreshTokenLifetimeSeconds",
      "grantLifetimeSeconds",
      "authorizationCodeLifetimeSeconds",
      "loginLifetimeSeconds",
      "refreshGraceSeconds",
      "clockToleranceSeconds",
      "requestTimeout",
      "upstreamTimeout",
      "invalidGrantStatus",
    ],
  ],
  [
    "clientRegistration",
    (clientRegistration) => provider({ clientRegistration }),
    ["clientSecretLifetimeSeconds", "firstLoginWithinSeconds", "unusedLifetimeSeconds"],
  ],
  [
    "clientMetadataDocuments",
    (clientMetadataDocuments) => provider({ clientMetadataDocuments }),
    ["timeout", "maxConcurrent", "maxConcurrentPerHost", "maxFreshSeconds", "minFreshSeconds", "maxStaleSeconds"],
  ],
  ["consent", (consent) => provider({ consent }), ["rememberSeconds"]],
  ["account", (account) => provider({ account }), ["sessionSeconds"]],
  ["overload", (overload) => provider({ overload }), ["longestWait"]],
  ["a rate limit", (changes) => provider({ rateLimits: limit(changes) }), ["requests", "perSeconds"]],
  ["openIdConnect", (changes) => openIdConnect({ ...client, ...changes }), ["timeout", "clockToleranceSeconds"]],
  ["oAuth2", (changes) => oAuth2({ ...oAuth, ...changes }), ["timeout"]],
  [
    "CachedRepository",
    (changes) => new CachedRepository(one, { max: 5, maxStaleness: 5_000, ...changes }),
    ["max", "maxStaleness"],
  ],
  [
    "staleIfError",
    (changes) =>
      new CachedRepository(one, { max: 5, maxStaleness: 500, staleIfError: { records: "long-lived", ...changes } }),
    ["maxAge"],
  ],
  [
    "cacheRepositories",
    (changes) => cacheRepositories(memory, { maxStaleness: 5_000, ...changes }),
    ["max", "maxStaleness", "clientsStaleIfError"],
  ],
  ["retrying", (options) => retrying(one, options), ["attempts", "firstPause", "maxPause"]],
  ["copyRepository", (options) => copyRepository(one, memory.locks, options), ["recordsPerSecond", "concurrency"]],
  ["jsonCodec", (options) => jsonCodec(LockSchema, options), ["maxLength"]],
  ["superjsonCodec", (options) => superjsonCodec(LockSchema, options), ["maxLength"]],
  ["createVaultRepositories", (options) => createVaultRepositories("pts_a", options), ["timeout", "maxKnownIds"]],
  ["createSqliteRepositories", (options) => createSqliteRepositories(":memory:", options), ["timeout"]],
  ["createPostgresRepositories", (options) => createPostgresRepositories(postgres, options), ["timeout"]],
  ["postgresOptions", postgresOptions, ["timeout"]],
  [
    "PostgresInvalidation",
    (changes) => new PostgresInvalidation(postgres, { prefix: "a", listener: () => postgres, ...changes }),
    ["timeout", "heartbeat", "maxUnsent"],
  ],
  ["createRedisRepositories", (options) => createRedisRepositories(redis, options), ["timeout"]],
  ["redisOptions", redisOptions, ["connectTimeout", "socketTimeout"]],
  ["clusterOptions", clusterOptions, ["connectTimeout", "socketTimeout"]],
  ["nodeRedisOptions", nodeRedisOptions, ["connectTimeout", "socketTimeout"]],
  ["nodeRedisClusterOptions", nodeRedisClusterOptions, ["connectTimeout", "socketTimeout"]],
  ["glideOptions", glideOptions, ["requestTimeout"]],
  [
    "RedisPubSubInvalidation",
    (changes) => new RedisPubSubInvalidation(redis, { prefix: "a", ...changes }),
    ["timeout", "heartbeat", "maxUnsent"],
  ],
  ["RedisTrackingInvalidation", (options) => new RedisTrackingInvalidation(redis, options), ["heartbeat"]],
  ["startPangeaEmulator", startPangeaEmulator, ["port", "seed"]],
  [
    "the emulated AuthN",
    (authn) => startPangeaEmulator({ authn }),
    ["accessTokenLifetimeSeconds", "refreshTokenLifetimeSeconds"],
  ],
];

const wrongNumbers: readonly unknown[] = [Number.NaN, -1, Number.POSITIVE_INFINITY, "5", "", null, true, {}, [5], 5n];
/** What no number of these has: the sign of a seed says nothing. */
const isFine = (option: string, value: unknown) => option === "seed" && value === -1;

describe.each(takers)("%s", (_, make, options) => {
  const cases = options.flatMap((option) =>
    wrongNumbers.filter((value) => !isFine(option, value)).map((value) => [option, value] as const),
  );
  it.each(cases)("says that %s must not be %o", async (option, value) => {
    await expectRefusal(() => make({ [option]: value }), new RegExp(`\\b${option}\\b`));
  });
});
