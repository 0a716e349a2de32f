import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import * as conformance from "../../src/conformance.ts";
import * as main from "../../src/index.ts";
import * as postgresEntry from "../../src/postgres.ts";
import * as redisEntry from "../../src/redis.ts";
import * as sqliteEntry from "../../src/sqlite.ts";
import { RecordText } from "../../src/storage/record-text.ts";
import { driverNotBuilt } from "../../src/storage/sqlite/sqlite-failure.ts";
import * as superjsonEntry from "../../src/superjson.ts";
import * as vaultEntry from "../../src/vault.ts";

const redis = new Redis({ ...redisEntry.redisOptions(), lazyConnect: true });
const memory = new main.InMemoryRepository<string, object>();
/** An instance, for a Map in the place of an object with these methods is one. */
const basic = new (class {
  get = async () => undefined;
  set = async () => undefined;
  delete = async () => false;
})();
const repositories = main.createInMemoryRepositories();
const schema = z.object({ name: z.string() });
const postgres = { query: async () => [] };
const listener = () => ({ on: () => undefined, connect: async () => {}, query: async () => {}, end: async () => {} });
const keys = main.KeyRing.from("a secret that is long enough for a test");
const runner = { describe: () => undefined, it: () => undefined };

/** The right arguments of everything public that makes something, and how many of them there have to be. */
const makers: Readonly<Record<string, readonly [required: number, ...right: unknown[]]>> = {
  InMemoryRepository: [0, schema, { max: 5 }],
  CachedRepository: [2, memory, { max: 5, maxStaleness: 5_000 }],
  inOneProcess: [1, basic, {}],
  createInMemoryRepositories: [0, {}],
  createRepositories: [1, () => memory],
  cacheRepositories: [2, repositories, { maxStaleness: 5_000 }],
  asCodec: [1, schema],
  jsonCodec: [1, schema, {}],
  sealed: [2, schema, keys],
  tokenKey: [1, "secret"],
  sha256Name: [1, "key"],
  "KeyRing.from": [1, "a secret that is long enough for a test", {}],
  superjsonCodec: [1, schema, {}],
  RedisRepository: [3, schema, redis, { prefix: "a" }],
  RecordText: [1, schema, {}],
  RedisPubSubInvalidation: [1, redis, { prefix: "a" }],
  RedisTrackingInvalidation: [1, redis, {}],
  createRedisRepositories: [1, redis, {}],
  PangeaVaultRepository: [2, schema, "pts_demo", {}],
  createVaultRepositories: [1, "pts_demo", {}],
  PostgresRepository: [3, schema, postgres, { prefix: "a" }],
  PostgresInvalidation: [2, postgres, { prefix: "a", listener }],
  createPostgresRepositories: [1, postgres, {}],
  createPostgresTables: [1, postgres, "records"],
  postgresMigration: [0, "records"],
  postgresOptions: [0, {}],
  SqliteRepository: [3, schema, sqliteEntry.openSqlite(":memory:"), { table: "a" }],
  createSqliteRepositories: [1, ":memory:", {}],
  openSqlite: [1, ":memory:", {}],
  redisOptions: [0, {}],
  clusterOptions: [0, {}],
  nodeRedisOptions: [0, {}],
  nodeRedisClusterOptions: [0, {}],
  glideOptions: [0, {}],
  copyRepositories: [2, repositories, repositories, {}],
  wrapRepositories: [2, repositories, (repository: unknown) => repository],
  observed: [2, memory, { hasSubscribers: false, publish: () => undefined }],
  retrying: [1, memory, {}],
  copyRepository: [2, memory, memory, {}],
  testRepository: [3, "name", () => ({ repository: memory }), { runner }],
};

/** Public values that make nothing of an argument, and the provider's, whose options have tests of their own. */
const others =
  /(Error|Failure|Schema)$|^(providerEventChannels|sampleSchema|repositoryCases|runRepositoryCase|isEnumerable|isIndexedBy|RecordIndexes|sampleIndexes|InMemoryInvalidationChannel|KeyRing|pangeaAuthn|openIdConnect|oAuth2|auth0|gitHub|google|keycloak|microsoftEntra|okta|serveRepository|McpOAuthProvider|PangeaOAuthProvider)$/;

const exported: Readonly<Record<string, unknown>> = {
  ...main,
  ...postgresEntry,
  ...redisEntry,
  ...sqliteEntry,
  ...vaultEntry,
  ...superjsonEntry,
  ...conformance,
};

/** Calls a function, or constructs a class. */
function make(name: string, args: readonly unknown[]): unknown {
  const [owner = "", method] = name.split(".");
  const it: unknown = method === undefined ? exported[owner] : Reflect.get(Object(exported[owner]), method);
  if (typeof it !== "function") throw new Error(`There is no ${name}.`);
  return /^[A-Z][^.]*$/.test(name) ? Reflect.construct(it, args) : Reflect.apply(it, undefined, args);
}

const wrongKinds: readonly (readonly [string, unknown])[] = [
  ["undefined", undefined],
  ["null", null],
  ["a number", 5],
  ["NaN", Number.NaN],
  ["true", true],
  ["an empty text", ""],
  ["a bigint", 5n],
  ["a symbol", Symbol("a")],
  ["a list", []],
  ["a list of nothing", [undefined]],
  ["an empty object", {}],
  ["a function", () => undefined],
  ["a date", new Date(0)],
  ["a promise", Promise.resolve()],
  ["a schema of zod 3", { _def: { typeName: "ZodObject" }, parse: () => ({}), safeParse: () => ({}) }],
];

/** What has things in it that are no members of it: taken for options, it would be none at all. */
const containers: readonly (readonly [string, unknown])[] = [
  ["a Map", new Map([["max", 5]])],
  ["a Set", new Set(["max"])],
  ["a form", new URLSearchParams("max=5")],
  ["a form with files", new FormData()],
  ["headers", new Headers({ max: "5" })],
  ["a date", new Date(0)],
  ["a promise", Promise.resolve({})],
  ["a list", [["max", 5]]],
];

it("every public value is in this table, or makes nothing", () => {
  const listed = new Set(Object.keys(makers).map((name) => name.split(".")[0]));
  expect(Object.keys(exported).filter((name) => !listed.has(name) && !others.test(name))).toEqual([]);
});

describe.each(Object.entries(makers))("%s", (name, [required, ...right]) => {
  it.each(wrongKinds)(
    "says in a ConfigurationError that an argument is %s, where it does not take it",
    async (kind, wrong) => {
      for (const index of right.keys()) {
        const args = right.map((argument, at) => (at === index ? wrong : argument));
        for (const given of [args, args.slice(0, index + 1)]) {
          let failure: unknown;
          let made: unknown;
          try {
            made = await make(name, given);
          } catch (error) {
            failure = error;
          }
          const call = `argument ${index + 1} is ${kind}`;
          if (failure !== undefined) {
            expect(failure, `${call}: ${String(failure)}`).toBeInstanceOf(main.ConfigurationError);
            expect(String(failure), call).not.toMatch(/undefined is not|Cannot read|of null/);
          } else {
            const mayBeAbsent = index >= required && wrong === undefined;
            if (!mayBeAbsent && (wrong === null || wrong === undefined))
              expect(made, `${call} and was taken`).toBe("refused");
          }
        }
      }
    },
  );

  const isPlain = (value: unknown) =>
    typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  const plain = [...right.keys()].filter((index) => isPlain(right[index]));
  it.runIf(plain.length > 0).each(containers)("refuses %s in the place of an object", async (_, container) => {
    for (const index of plain) {
      const call = async () => make(name, right.with(index, container));
      await expect(call(), `argument ${index + 1}`).rejects.toBeInstanceOf(main.ConfigurationError);
    }
  });

  it("says so where arguments are missing", async () => {
    for (let count = 0; count < required; count += 1) {
      const making = async () => make(name, right.slice(0, count));
      await expect(making(), `${count} arguments`).rejects.toThrow(main.ConfigurationError);
    }
  });
});

it.each<[string, () => unknown, RegExp]>([
  ["KeyRing.from([])", () => main.KeyRing.from([]), /secret/],
  ["KeyRing.from with a list of numbers", () => make("KeyRing.from", [[5]]), /secret/i],
  [
    "KeyRing.from with a context that is no text",
    () => make("KeyRing.from", ["s".repeat(32), { context: 5 }]),
    /context/,
  ],
  ["sealed without keys", () => make("sealed", [schema]), /keys/],
  ["sealed with a secret for keys", () => make("sealed", [schema, "s".repeat(32)]), /keys/],
  ["inOneProcess(null)", () => make("inOneProcess", [null]), /inOneProcess: the backend/],
  ["a clock that is no function", () => make("InMemoryRepository", [{ clock: 5 }]), /clock/],
  ["an expiresAt that is no function", () => make("InMemoryRepository", [{ expiresAt: "until" }]), /expiresAt/],
  ["an expiresAt of Redis", () => make("RedisRepository", [schema, redis, { prefix: "a", expiresAt: 5 }]), /expiresAt/],
  ["an expiresAt of Vault", () => make("PangeaVaultRepository", [schema, "pts_a", { expiresAt: 5 }]), /expiresAt/],
  ["an expiresAt of one process", () => make("inOneProcess", [basic, { expiresAt: 5 }]), /expiresAt/],
  ["a clock of a cache", () => make("CachedRepository", [memory, { max: 5, maxStaleness: 5_000, clock: 5 }]), /clock/],
  [
    "an expiresAt of a cache",
    () => make("CachedRepository", [memory, { max: 5, maxStaleness: 5_000, expiresAt: {} }]),
    /expiresAt/,
  ],
  [
    "a channel that is none",
    () => make("CachedRepository", [memory, { max: 5, maxStaleness: 5_000, invalidation: {} }]),
    /invalidation/,
  ],
  [
    "a listener that is none",
    () => make("CachedRepository", [memory, { max: 5, maxStaleness: 5_000, onPublishFailure: 5 }]),
    /onPublishFailure/,
  ],
  ["a max of 0", () => new main.InMemoryRepository({ max: 0 }), /max/],
  ["a max that is a fraction", () => new main.InMemoryRepository({ max: 1.5 }), /max/],
  ["a max in text", () => make("InMemoryRepository", [{ max: "5" }]), /max/],
  ["a maxLength of 0", () => main.jsonCodec(schema, { maxLength: 0 }), /maxLength/],
  ["a maxLength that is NaN", () => superjsonEntry.superjsonCodec(schema, { maxLength: Number.NaN }), /maxLength/],
  [
    "a backend that is a promise",
    () => make("CachedRepository", [Promise.resolve(memory), { max: 5, maxStaleness: 5_000 }]),
    /CachedRepository: the repository/,
  ],
])("the message for %s names it", (_, act, name) => {
  expect(act).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION", message: expect.stringMatching(name) }));
});

describe.each<[string, (options: unknown) => unknown]>([
  [
    "createSqliteRepositories",
    (options) => Reflect.apply(sqliteEntry.createSqliteRepositories, undefined, [":memory:", options]),
  ],
  ["openSqlite", (options) => Reflect.apply(sqliteEntry.openSqlite, undefined, [":memory:", options])],
  [
    "SqliteRepository",
    (options) => Reflect.construct(sqliteEntry.SqliteRepository, [schema, { prepare: () => undefined }, options]),
  ],
  ["RecordText", (options) => Reflect.construct(RecordText, [schema, options])],
])("the options of %s", (name, act) => {
  it.each<unknown>([null, 5, true, "text", [], () => undefined])("are refused where they are %o", (options) => {
    expect(() => act(options)).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION" }));
  });

  // What makes a RecordText hands it all of its own options.
  it.skipIf(name === "RecordText").each([
    ["namespce", { namespce: "a" }],
    ["tabel", { tabel: "a" }],
    ["drivr", { drivr: "node:sqlite" }],
    ["an option of Redis", { prefix: "a" }],
  ])("are refused where one is misspelt: %s", (_, options) => {
    const message = expect.stringMatching(`is no option of ${name}`);
    expect(() => act(options)).toThrow(expect.objectContaining({ code: "ERR_CONFIGURATION", message }));
  });
});

it.each([undefined, null, 5, {}, "postgres://"])(
  "createPostgresTables(%o) says that it needs a client",
  async (client) => {
    await expect(Reflect.apply(postgresEntry.createPostgresTables, undefined, [client])).rejects.toMatchObject({
      code: "ERR_CONFIGURATION",
      message: expect.stringMatching(/query/),
    });
  },
);

it.each([
  ["missing", new Error("Could not locate the bindings file. Tried: …")],
  ["of another Node.js", Object.assign(new Error("NODE_MODULE_VERSION 115"), { code: "ERR_DLOPEN_FAILED" })],
])("a better-sqlite3 whose compiled part is %s is told to be rebuilt", (_, error) => {
  expect(driverNotBuilt(error)).toMatchObject({
    code: "ERR_CONFIGURATION",
    message: expect.stringMatching(/npm rebuild better-sqlite3/),
    cause: error,
  });
  expect(driverNotBuilt(new Error("database is locked"))).toBeUndefined();
});

it("isEnumerable answers for anything at all", () => {
  const anything: unknown[] = [undefined, null, 5, "entries", () => undefined, { entries: 5 }];
  for (const value of anything) expect(Reflect.apply(main.isEnumerable, undefined, [value])).toBe(false);
});
