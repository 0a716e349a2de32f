import { expect, expectTypeOf, test, vi } from "vitest";
import { ConfigurationError } from "../../../src/errors.ts";
import type { AccessToken } from "../../../src/records/access-token.ts";
import type { AuthorizationCode } from "../../../src/records/authorization-code.ts";
import type { Grant } from "../../../src/records/grant.ts";
import type { OAuthClientInformation } from "../../../src/records/oauth-client-information.ts";
import type { RefreshToken } from "../../../src/records/refresh-token.ts";
import { CachedRepository } from "../../../src/storage/cached/cached-repository.ts";
import type { CachedRepositoryOptions, StaleIfErrorOptions } from "../../../src/storage/cached/options.ts";
import { InMemoryRepository } from "../../../src/storage/in-memory.ts";
import { SwitchedInvalidationChannel } from "../../support/switched-invalidation-channel.ts";

const bound = { max: 10, maxStaleness: 1_000 };
const stale = { maxAge: 5_000, records: "long-lived" };
const day = 24 * 60 * 60 * 1_000;

/** Options as JavaScript may give them. */
function construct(options: object): () => CachedRepository<string, string> {
  return () => Reflect.construct(CachedRepository, [new InMemoryRepository<string, string>(), options]);
}

test.for([
  ["no bound", { maxStaleness: 1_000 }],
  ["no maxStaleness", { max: 10 }],
  ["an endless maxStaleness", { max: 10, maxStaleness: Number.POSITIVE_INFINITY }],
  ["a maxStaleness of 0", { max: 10, maxStaleness: 0 }],
  ["a maxStaleness that is text", { max: 10, maxStaleness: "1000" }],
  ["a max of 0", { ...bound, max: 0 }],
  ["a max that is not whole", { ...bound, max: 1.5 }],
  ["a max beyond what can be held", { ...bound, max: Number.MAX_SAFE_INTEGER }],
  ["a maxStaleness below 0", { max: 10, maxStaleness: -1 }],
  ["a maxStaleness that is most likely one of seconds", { max: 10, maxStaleness: 99 }],
  ["a max below 0", { ...bound, max: -1 }],
  ["staleIfError for no longer than a copy is served anyway", { ...bound, staleIfError: { ...stale, maxAge: 1_000 } }],
  ["staleIfError for more than a year", { ...bound, staleIfError: { ...stale, maxAge: 365 * day + 1 } }],
  ["staleIfError for ever", { ...bound, staleIfError: { ...stale, maxAge: Number.POSITIVE_INFINITY } }],
  ["an option that is not known", { ...bound, maxstaleness: 1_000 }],
  ["a clock that is no function", { ...bound, clock: 5 }],
  ["a reader of the expiry that is no function", { ...bound, expiresAt: "until" }],
  ["an invalidation that is a client of a store", { ...bound, invalidation: { subscribe: () => {} } }],
  ["an invalidation in other names", { ...bound, invalidation: { names: "md5", subscribe: () => {} } }],
  ["an invalidation that nobody can subscribe to", { ...bound, invalidation: { names: "key" } }],
  ["staleIfError without maxAge", { ...bound, staleIfError: { records: "long-lived" } }],
  ["staleIfError without the words", { ...bound, staleIfError: { maxAge: 5_000 } }],
  ["staleIfError in other words", { ...bound, staleIfError: { maxAge: 5_000, records: "any" } }],
  ["staleIfError that is a time", { ...bound, staleIfError: 5_000 }],
  ["staleIfError with a word that is not known", { ...bound, staleIfError: { ...stale, maxages: 5_000 } }],
  ["a maxStaleness of more than a day", { ...bound, maxStaleness: day + 1 }],
  ["an invalidation that is text", { ...bound, invalidation: "redis" }],
  ["an onPublishFailure that is no function", { ...bound, onPublishFailure: "log" }],
] as const)("a cache with %s cannot be made", ([, options]) => {
  expect(construct(options)).toThrow(ConfigurationError);
});

test.for([
  ["a maxStaleness of a day", { ...bound, maxStaleness: day }],
  ["an old copy that stands in", { ...bound, staleIfError: stale }],
  ["an old copy that stands in for a year", { ...bound, staleIfError: { ...stale, maxAge: 365 * day } }],
  ["an onPublishFailure", { ...bound, onPublishFailure: () => {} }],
  ["the shortest maxStaleness", { ...bound, maxStaleness: 100 }],
  ["a clock and a reader of the expiry", { ...bound, clock: Date.now, expiresAt: () => undefined }],
  ["an invalidation by keys", { ...bound, invalidation: { names: "key", subscribe: () => undefined } }],
  ["an invalidation by their hashes", { ...bound, invalidation: { names: "sha256", subscribe: () => undefined } }],
] as const)("a cache may have %s", ([, options]) => {
  expect(construct(options)).not.toThrow();
});

test("a cache without options cannot be made", () => {
  expect(() => Reflect.construct(CachedRepository, [new InMemoryRepository()])).toThrow(ConfigurationError);
  expect(() => Reflect.construct(CachedRepository, [{}, bound])).toThrow(ConfigurationError);
});

test.for([1, 2 ** 24])("a cache may keep %i records", (max) => {
  expect(construct({ ...bound, max })).not.toThrow();
  expect(construct({ ...bound, max: 2 ** 24 + 1 })).toThrow(ConfigurationError);
});

test("a cache in front of a cache is told of once, whatever lies between them", async () => {
  const warn = vi.spyOn(process, "emitWarning").mockReturnValue(undefined);
  vi.resetModules();
  const fresh = await import("../../../src/index.ts");
  const one = () => new fresh.CachedRepository(new fresh.InMemoryRepository<string, string>(), bound);
  one();
  expect(warn).not.toHaveBeenCalled();
  for (const between of [fresh.retrying(one()), one()]) {
    expect(new fresh.CachedRepository(between, bound)).toBeDefined();
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.any(String), { code: "PANGEA_CACHE_OVER_CACHE" });
  }
  warn.mockRestore();
});

test("a package that is loaded anew makes caches as any other does", async () => {
  vi.resetModules();
  const fresh = await import("../../../src/index.ts");
  const store = new fresh.InMemoryRepository<string, string>();
  const invalidation = new SwitchedInvalidationChannel("key");
  invalidation.switch("up");
  const options = { maxStaleness: 1_000, max: 2, invalidation, onPublishFailure: () => {} };
  const staleIfError = { maxAge: 5_000, records: "long-lived" } as const;
  const cache = new fresh.CachedRepository(store, { ...options, staleIfError });
  for (const key of ["a", "b"]) await cache.set(key, "old");
  expect(invalidation.published).toEqual(["a", "b"]);
  expect(await cache.get("a")).toBe("old");
  await cache.set("c", "old");
  expect(["a", "b", "c"].map((key) => cache.remembered(key) !== undefined)).toEqual([true, false, true]);
  invalidation.invalidate(["a"]);
  expect(["a", "b", "c"].map((key) => cache.remembered(key) !== undefined)).toEqual([false, false, true]);
});

test("the types refuse a cache without a bound", () => {
  expectTypeOf<{ maxStaleness: number }>().not.toExtend<CachedRepositoryOptions<string>>();
  expectTypeOf<{ max: number }>().not.toExtend<CachedRepositoryOptions<string>>();
  expectTypeOf<{ max: number; maxStaleness: number }>().toExtend<CachedRepositoryOptions<string>>();
});

test("the types let an old copy of a client stand in, and of no token, code or grant", () => {
  type Accepted<V> = StaleIfErrorOptions<V>["records"];
  expectTypeOf<Accepted<OAuthClientInformation>>().toEqualTypeOf<"long-lived">();
  expectTypeOf<Accepted<AccessToken>>().toBeNever();
  expectTypeOf<Accepted<AuthorizationCode>>().toBeNever();
  expectTypeOf<Accepted<RefreshToken>>().toBeNever();
  expectTypeOf<Accepted<Grant>>().toBeNever();
  expectTypeOf<Accepted<OAuthClientInformation | Grant>>().toBeNever();
});
