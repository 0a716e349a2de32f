import { Redis } from "ioredis";
import { expect, it } from "vitest";
import { z } from "zod";
import {
  CachedRepository,
  cacheRepositories,
  copyRepository,
  createInMemoryRepositories,
  createRepositories,
  InMemoryRepository,
  inOneProcess,
  KeyRing,
  observed,
  PangeaOAuthProvider,
  retrying,
  wrapRepositories,
} from "../../../src/index.ts";
import { pangeaAuth } from "../../../src/integrations/express.ts";
import { createPostgresRepositories, PostgresInvalidation, postgresOptions } from "../../../src/postgres.ts";
import { RedisPubSubInvalidation, RedisTrackingInvalidation, redisOptions } from "../../../src/redis.ts";
import { createSqliteRepositories, openSqlite, SqliteRepository } from "../../../src/sqlite.ts";
import { createVaultRepositories } from "../../../src/vault.ts";
import { providerOptions } from "../../support/provider-harness.ts";
import { expectRefusal, type Mistake } from "../../support/wrong-setting.ts";

/** What the mistake is, what makes it, and how the message begins, or what remedy it has. */

// Nothing here is typed: it is the compiler that catches most of this, and not everybody has it.
// biome-ignore lint/suspicious/noExplicitAny: what is wrong must not be told by the types.
const untyped = (value: unknown): any => value;

const memory = createInMemoryRepositories();
const one = new InMemoryRepository<string, { readonly expiresAt?: number }>();
const schema = z.object({ expiresAt: z.number() });
const postgres = { query: async () => ({ rows: [] }) };
const redis = new Redis({ ...redisOptions(), lazyConnect: true });
const bounds = { max: 3, maxStaleness: 5_000 };
const sink = { hasSubscribers: true, publish: () => {} };
const provider = new PangeaOAuthProvider({ ...providerOptions("https://login.example"), logger: false });
const vault = (options: object) => () => createVaultRepositories("pts_demo", untyped(options));
const provided = (repositories: object) => () =>
  new PangeaOAuthProvider({ ...providerOptions("https://login.example"), repositories: untyped(repositories) });

const mistakes: readonly Mistake[] = [
  // Seconds where milliseconds are meant.
  ["Vault's timeout", vault({ timeout: 5 }), /^timeout .*seconds: give 5000\.$/],
  ["SQLite's timeout", () => createSqliteRepositories(":memory:", { timeout: 5 }), /^timeout .*give 5000\.$/],
  [
    "the timeout of one repository in SQLite",
    () => new SqliteRepository(schema, openSqlite(":memory:"), { table: "a", timeout: 30 }),
    /^timeout .*give 30000\.$/,
  ],
  ["Postgres' timeout", () => createPostgresRepositories(postgres, { timeout: 5 }), /^timeout .*give 5000\.$/],
  ["the timeout of Postgres' client", () => postgresOptions({ timeout: 2 }), /^timeout .*give 2000\.$/],
  ["the patience of Redis' client", () => redisOptions({ connectTimeout: 5 }), /^connectTimeout .*give 5000\.$/],
  ["the patience of its socket", () => redisOptions({ socketTimeout: 0.5 }), /^socketTimeout .*give 500\.$/],

  ["a cache's time", () => new CachedRepository(one, { max: 3, maxStaleness: 30 }), /^maxStaleness .*give 30000\.$/],
  ["caches' time", () => cacheRepositories(memory, { maxStaleness: 30 }), /^maxStaleness .*seconds: give 30000\.$/],
  [
    "the age of an old copy",
    () => new CachedRepository(one, { ...bounds, staleIfError: { maxAge: 60, records: "long-lived" } }),
    /^staleIfError\.maxAge .*seconds: give 60000\.$/,
  ],
  [
    "the heartbeat of pub/sub",
    () => new RedisPubSubInvalidation(redis, { prefix: "a", heartbeat: 5 }),
    /^heartbeat .*give 5000\.$/,
  ],
  [
    "the timeout of pub/sub",
    () => new RedisPubSubInvalidation(redis, { prefix: "a", timeout: 5 }),
    /^timeout .*give 5000\.$/,
  ],
  [
    "the heartbeat of tracking",
    () => new RedisTrackingInvalidation(redis, { heartbeat: 5 }),
    /^heartbeat .*give 5000\.$/,
  ],
  [
    "the heartbeat of Postgres' messages",
    () => new PostgresInvalidation(postgres, { prefix: "a", listener: untyped(() => postgres), heartbeat: 5 }),
    /^heartbeat .*give 5000\.$/,
  ],
  ["the first pause", () => retrying(one, { firstPause: 0.1 }), /^firstPause .*seconds: give 100\.$/],
  ["the longest pause", () => retrying(one, { maxPause: 2 }), /^maxPause \(2\) is shorter than firstPause \(100\)/],

  // Too much.
  [
    "an old copy of ten thousand years",
    () => new CachedRepository(one, { ...bounds, staleIfError: { maxAge: 3e14, records: "long-lived" } }),
    /^staleIfError\.maxAge .*up to 31536000000\.$/,
  ],
  [
    "a crowd at the stores",
    () => copyRepository(one, memory.clients, untyped({ concurrency: 1e9 })),
    /^concurrency .*1000/,
  ],

  // Two that do not fit each other.
  [
    "an old copy that is younger than any other",
    () => new CachedRepository(one, { ...bounds, staleIfError: { maxAge: 5_000, records: "long-lived" } }),
    /^staleIfError\.maxAge .*longer than maxStaleness \(5000\)/,
  ],
  [
    "a first pause that is longer than all together",
    () => retrying(one, { firstPause: 3_000 }),
    /^maxPause \(2000\) is shorter than firstPause \(3000\)/,
  ],
  [
    "two prefixes that are one",
    () => pangeaAuth(provider, { removedPrefix: "/a", addedPrefix: "/a/" }),
    /are both \/a,/,
  ],

  // What is done twice.
  ["retries of retries", () => retrying(retrying(one)), /^retrying: .*again already.*more attempts/],
  ["retries of retries, observed", () => retrying(observed(retrying(one), sink)), /^retrying: .*again already/],
  ["retries of what a cache retries", () => retrying(new CachedRepository(retrying(one), bounds)), /^retrying: /],
  ["turns for what needs none", () => inOneProcess(one), /^inOneProcess: .*whole repository.*use it as it is\.$/],

  // Places that are none.
  ["SQLite at an address of Redis", () => openSqlite("redis://localhost"), /^path begins with redis:.*state\.db/],
  ["SQLite with a scheme before its path", () => openSqlite("sqlite:state.db"), /^path begins with sqlite:/],
  [
    "SQLite at a file URL as text",
    () => openSqlite("file:///var/lib/server/state.db"),
    /^path begins with file:.*URL object/,
  ],
  ["SQLite at a web page", () => openSqlite(new URL("https://a.example")), /^path is a URL of the scheme https/],
  ["Vault at the console", vault({ domain: "console.pangea.cloud" }), /^domain begins with console\..*pangea\.cloud/],
  ["Vault at its own host", vault({ domain: "vault.aws.us.pangea.cloud" }), /give aws\.us\.pangea\.cloud\.$/],
  [
    "Vault at two places",
    vault({ domain: "aws.us.pangea.cloud", baseUrlTemplate: "https://{SERVICE_NAME}.example" }),
    /^Give domain or baseUrlTemplate, not both/,
  ],
  ["a prefix without a slash", () => pangeaAuth(provider, { removedPrefix: "auth" }), /^removedPrefix .*slash/],
  ["a prefix that is a URL", () => pangeaAuth(provider, { addedPrefix: "https://a.example" }), /^addedPrefix .*slash/],

  // Who is told.
  ["a sink that says not whether anybody listens", () => observed(one, untyped({ publish() {} })), /hasSubscribers/],
  ["a clock that is a number", () => observed(one, sink, untyped(5)), /^observed: the clock must be a function/],

  // One where two are needed, and none at all.
  ["a copy onto itself", () => copyRepository(one, one), /^The target is the source itself/],
  [
    "nothing made",
    () => createRepositories(untyped(() => undefined)),
    /^createRepositories\(\): accessTokens is missing/,
  ],
  ["a promise made", () => createRepositories(untyped(async () => one)), /accessTokens is a promise: .*not be async/],
  ["one repository for all kinds", () => createRepositories(untyped(() => one)), /are one repository/],
  [
    "nothing wrapped",
    () =>
      wrapRepositories(
        memory,
        untyped(() => undefined),
      ),
    /^wrapRepositories\(\): accessTokens/,
  ],
  [
    "a promise wrapped",
    () =>
      wrapRepositories(
        memory,
        untyped(async (given: unknown) => given),
      ),
    /must not be async/,
  ],
  ["one repository of two kinds", provided({ ...memory, grants: memory.clients }), /grants and clients are one/],
  [
    "two repositories that are swapped",
    provided({ ...memory, grants: memory.clients, clients: memory.grants }),
    /clients is the repository that was made for grants\. .*swapped/,
  ],
  [
    "two repositories of a file that are swapped",
    () => {
      const file = createSqliteRepositories(":memory:");
      return provided({ ...file, locks: file.grants, grants: file.locks })();
    },
    /grants is the repository that was made for locks\. .*swapped|locks is the repository that was made for grants\. .*swapped/,
  ],
  [
    "two repositories that are swapped behind a cache",
    () =>
      cacheRepositories(untyped({ ...memory, grants: memory.clients, clients: memory.grants }), {
        maxStaleness: 5_000,
      }),
    /^cacheRepositories: grants is the repository that was made for clients\. .*swapped/,
  ],
  ["two secrets in one text", () => KeyRing.from(`${"a".repeat(32)},${"b".repeat(32)}`), /split\(","\)/],

  // Caches.
  [
    "a client of Redis for a channel",
    () => cacheRepositories(memory, { maxStaleness: 5_000, invalidation: untyped(redis) }),
    /^invalidation .*new RedisTrackingInvalidation\(redis\)/,
  ],
  [
    "a client of Redis for one kind's channel",
    () => cacheRepositories(memory, { maxStaleness: 5_000, invalidation: { grants: untyped(redis) } }),
    /^invalidation\.grants .*new RedisTrackingInvalidation\(redis\)/,
  ],
  [
    "a client of Redis for one cache's channel",
    () => new CachedRepository(one, { ...bounds, invalidation: untyped(redis) }),
    /^invalidation .*new RedisTrackingInvalidation\(redis\)/,
  ],
  [
    "tracking that belongs to no repository yet, for one cache",
    () => new CachedRepository(one, { ...bounds, invalidation: untyped(new RedisTrackingInvalidation(redis)) }),
    /^invalidation lacks subscribe/,
  ],
  [
    "an old copy that could never stand in",
    () => cacheRepositories(memory, { maxStaleness: 5_000, clientsStaleIfError: 60 }),
    /^clientsStaleIfError .*milliseconds .*longer than maxStaleness/,
  ],
  [
    "an option of old copies",
    () =>
      new CachedRepository(
        one,
        untyped({ ...bounds, staleIfError: { maxAge: 60_000, records: "long-lived", age: 3 } }),
      ),
    /^staleIfError\.age .*maxAge/,
  ],
];

it.each(mistakes)("%s says so", (_, make, message) => expectRefusal(make, message));

it("what is right goes on: a database in memory, a secret with a comma, prefixes", () => {
  openSqlite(":memory:").close();
  expect(KeyRing.from(`${"a".repeat(32)},`).ids).toHaveLength(1);
  for (const prefix of ["/auth", "/auth/"]) pangeaAuth(provider, { removedPrefix: prefix });
});
