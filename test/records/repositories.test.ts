import { expect, test } from "vitest";
import {
  createInMemoryRepositories,
  createRepositories,
  forEachKind,
  recordKinds,
  wrapRepositories,
} from "../../src/records/repositories.ts";
import { InMemoryRepository } from "../../src/storage/in-memory.ts";

const kindOf = {
  accessTokens: "access_token",
  authorizationCodes: "authorization_code",
  refreshTokens: "refresh_token",
  clients: "client",
  grants: "grant",
  grantUses: "grant_use",
  clientAssertions: "client_assertion",
  upstreamSessions: "upstream_session",
  upstreamRevocations: "upstream_revocation",
  consentRevocations: "consent_revocation",
  locks: "lock",
  keyAnnouncements: "key_announcement",
  accountSessions: "account_session",
};

test("a repository is made for each kind of record, by a name that stays", () => {
  const made = new Map<unknown, string>();
  const repositories = createRepositories((_schema, kind) => {
    const repository = new InMemoryRepository<string, never>();
    made.set(repository, kind);
    return repository;
  });
  const kinds = Object.entries(repositories).map(([name, repository]) => [name, made.get(repository)]);
  expect(Object.fromEntries(kinds)).toEqual(kindOf);
  expect(recordKinds).toEqual(Object.values(kindOf));
  expect(forEachKind("value")).toEqual(Object.fromEntries(Object.keys(kindOf).map((name) => [name, "value"])));
});

test("the records of a person's logins are found by the client and the person, and others by nothing", () => {
  const found = new Map<string, object>();
  createRepositories((_schema, kind, indexes) => {
    const readers = Object.entries<(record: object) => unknown>(Object(indexes));
    const values = readers.map(([name, read]) => [name, read({ clientId: "app", subject: "ada" })]);
    if (values.length > 0) found.set(kind, Object.fromEntries(values));
    return new InMemoryRepository<string, never>();
  });
  const owned = { client: "app", subject: "ada" };
  expect(Object.fromEntries(found)).toEqual({ authorization_code: owned, grant: owned });
});

test("each repository is wrapped with its name, and what else there is stays", () => {
  const repositories = { ...createInMemoryRepositories(), end: () => "the end" };
  const given = new Map<string, unknown>();
  const wrapped = wrapRepositories(repositories, (repository, name) => {
    given.set(name, repository);
    return repository;
  });
  expect([...given.keys()].sort()).toEqual(Object.keys(kindOf).sort());
  for (const [name, repository] of given) {
    expect(repository).toBe(Object(repositories)[name]);
    expect(Object(wrapped)[name]).toBe(repository);
  }
  expect(wrapped.end()).toBe("the end");
});

test("repositories in memory go by the clock that is given, and find by their indexes", async () => {
  let now = 1_000_000;
  const { grants } = createInMemoryRepositories({ clock: () => now });
  await grants.set("a", { clientId: "app", scopes: [], createdAt: 1, expiresAt: 1_001 });
  const found: string[] = [];
  for await (const [key] of Object(grants).entriesBy("client", "app")) found.push(key);
  expect(found).toEqual(["a"]);
  now = 1_001_000;
  expect(await grants.get("a")).toBeUndefined();
});
