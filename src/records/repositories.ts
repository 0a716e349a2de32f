import type { ZodType } from "zod";
import { type OptionKinds, requireObject, requireOptions, requireThat } from "../option-checks.ts";
import { type Repository, requireRepository } from "../storage/contract.ts";
import { InMemoryRepository } from "../storage/in-memory.ts";
import type { Indexes } from "../storage/indexed.ts";
import type { ExpiringRecord } from "../storage/readable-expiry.ts";
import { type AccessToken, AccessTokenSchema } from "./access-token.ts";
import { type AccountSession, AccountSessionSchema } from "./account-session.ts";
import { type AuthorizationCode, AuthorizationCodeSchema } from "./authorization-code.ts";
import { type ClientAssertion, ClientAssertionSchema } from "./client-assertion.ts";
import { type ConsentRevocation, ConsentRevocationSchema } from "./consent-revocation.ts";
import { type Grant, GrantSchema } from "./grant.ts";
import { type GrantUse, GrantUseSchema } from "./grant-use.ts";
import { markOfMemory } from "./kept-in-memory.ts";
import { type KeyAnnouncement, KeyAnnouncementSchema } from "./key-announcement.ts";
import { type Lock, LockSchema } from "./lock.ts";
import { type OAuthClientInformation, OAuthClientInformationSchema } from "./oauth-client-information.ts";
import { type RefreshToken, RefreshTokenSchema } from "./refresh-token.ts";
import { type UpstreamRevocation, UpstreamRevocationSchema } from "./upstream-revocation.ts";
import { type UpstreamSessionRecord, UpstreamSessionSchema } from "./upstream-session.ts";

/** What a `PangeaOAuthProvider` keeps: the records of each repository. */
export interface ProviderRecords {
  /** Issued access tokens, by the hash of the token. */
  readonly accessTokens: AccessToken;
  /** Authorization codes, by a hash of their grant's handle. */
  readonly authorizationCodes: AuthorizationCode;
  /** Issued refresh tokens, by a hash of their grant's handle and their number. */
  readonly refreshTokens: RefreshToken;
  /** Dynamically registered clients, by client id. */
  readonly clients: OAuthClientInformation;
  /** Grants (one user's approval of one client), and the tombstones of revoked ones, by grant id. */
  readonly grants: Grant;
  /** When grants were last used, by a hash of the grant id. */
  readonly grantUses: GrantUse;
  /** The `private_key_jwt` assertions that were used, by the hash of client id and `jti`, until they expire. */
  readonly clientAssertions: ClientAssertion;
  /** The upstream sessions of grants that were refreshed since the login, by grant id. */
  readonly upstreamSessions: UpstreamSessionRecord;
  /** What the upstream could not be told: sessions that it has yet to end, by grant id. */
  readonly upstreamRevocations: UpstreamRevocation;
  /** When people's consent to clients was revoked, by the hash of the subject and the client id. */
  readonly consentRevocations: ConsentRevocation;
  /** Locks that one instance at a time holds, by the hash of what they lock. */
  readonly locks: Lock;
  /** Which keys the instances of this server have, by the hash of the key's id. */
  readonly keyAnnouncements: KeyAnnouncement;
  /** Who is signed in to the account page, by the hash of the session's id. */
  readonly accountSessions: AccountSession;
}

/** The name of every kind of record. */
export const recordKinds = [
  "access_token",
  "authorization_code",
  "refresh_token",
  "client",
  "grant",
  "grant_use",
  "client_assertion",
  "upstream_session",
  "upstream_revocation",
  "consent_revocation",
  "lock",
  "key_announcement",
  "account_session",
] as const;

/** The name of a kind of record. Backends use the name as a namespace. */
export type RecordKind = (typeof recordKinds)[number];

/**
 * The repositories that a `PangeaOAuthProvider` keeps its state in. Keys are SHA-256 hashes of secrets or identifiers
 * that are not secret; no token or code is ever a key.
 */
export type ProviderRepositories = RepositoriesOf<Backend>;

/**
 * The type of a backend's repositories, for any type of record. An interface that extends this one keeps what a
 * repository can do beyond the contract.
 *
 * @example
 * ```ts
 * interface InSql extends Backend {
 *   readonly repository: SqlRepository<this["record"]>;
 * }
 * const repositories = createRepositories<InSql>((schema, kind) => new SqlRepository(schema, { table: kind }));
 * ```
 */
export interface Backend {
  /** The type of the records: `createRepositories` puts in one after the other. */
  readonly record: unknown;
  /** The type of the repository for these records. */
  readonly repository: Repository<string, this["record"]>;
}

/** Every repository of a provider, of the type that a backend builds. */
export type RepositoriesOf<B extends Backend> = {
  readonly [Name in keyof ProviderRecords]: RepositoryOf<B, ProviderRecords[Name]>;
};

type RepositoryOf<B extends Backend, V> = (B & { readonly record: V })["repository"];

/**
 * Builds every repository of a provider on one backend of your own.
 *
 * @param create - Called once for each kind of record with its Zod schema, its name, and what its records are found by: give that
 * to a repository as its option `indexes`. A repository that has no indexes is listed as a whole instead.
 *
 * @example
 * ```ts
 * const repositories = createRepositories((schema, kind) => new MyRepository(schema, { table: kind }));
 * const provider = new PangeaOAuthProvider({ ...settings, repositories });
 * ```
 */
export function createRepositories<B extends Backend = Backend>(
  create: <V extends ExpiringRecord>(schema: ZodType<V>, kind: RecordKind, indexes: Indexes<V>) => RepositoryOf<B, V>,
): RepositoriesOf<B> {
  requireThat(
    typeof create === "function",
    "createRepositories() needs a function that makes a repository of a schema.",
  );
  const repositories = {
    accessTokens: create(AccessTokenSchema, "access_token", noIndexes),
    authorizationCodes: create(AuthorizationCodeSchema, "authorization_code", ownership),
    refreshTokens: create(RefreshTokenSchema, "refresh_token", noIndexes),
    clients: create(OAuthClientInformationSchema, "client", noIndexes),
    grants: create(GrantSchema, "grant", ownership),
    grantUses: create(GrantUseSchema, "grant_use", noIndexes),
    clientAssertions: create(ClientAssertionSchema, "client_assertion", noIndexes),
    upstreamSessions: create(UpstreamSessionSchema, "upstream_session", noIndexes),
    upstreamRevocations: create(UpstreamRevocationSchema, "upstream_revocation", noIndexes),
    consentRevocations: create(ConsentRevocationSchema, "consent_revocation", noIndexes),
    locks: create(LockSchema, "lock", noIndexes),
    keyAnnouncements: create(KeyAnnouncementSchema, "key_announcement", noIndexes),
    accountSessions: create(AccountSessionSchema, "account_session", noIndexes),
  };
  requireOneForEach("createRepositories()", repositories);
  for (const [kind, repository] of Object.entries<object>(repositories)) madeFor.set(repository, kind);
  return repositories;
}

/** The kind of record that each repository was made for: none of another kind fits its schema. */
const madeFor = new WeakMap<object, string>();

/** @throws {ConfigurationError} when a repository stands in the place of another kind's, as where two are swapped. */
export function requireOwnKind(maker: string, kind: string, repository: object): void {
  const own = madeFor.get(repository) ?? kind;
  requireThat(own === kind, `${maker}: ${kind} is the repository that was made for ${own}. Are the two swapped?`);
}

/**
 * Checks that there is a repository for each kind of record, and no other kind's.
 *
 * @param maker - What made them, for the message.
 * @throws {ConfigurationError} when one is no repository, is the promise of one, or keeps two kinds.
 */
export function requireOneForEach(maker: string, repositories: object): void {
  const kindOf = new Map<unknown, string>();
  for (const [kind, repository] of Object.entries(repositories)) {
    const isPromise = typeof Object(repository).then === "function";
    requireThat(!isPromise, `${maker}: ${kind} is a promise: the function that makes it must not be async.`);
    requireRepository(`${maker}: ${kind}`, repository);
    const other = kindOf.get(repository);
    requireThat(
      other === undefined,
      `${maker}: ${kind} and ${other} are one repository, in which the keys of two kinds would meet: give each its own.`,
    );
    kindOf.set(repository, kind);
  }
  for (const [kind, repository] of Object.entries(repositories)) requireOwnKind(maker, kind, repository);
}

/**
 * One value for every kind of record. The members are in the order in which records are copied: no token is in another store
 * before its grant.
 */
export function forEachKind<T>(value: T): Record<keyof ProviderRecords, T> {
  return {
    grants: value,
    grantUses: value,
    consentRevocations: value,
    clients: value,
    upstreamSessions: value,
    upstreamRevocations: value,
    refreshTokens: value,
    accessTokens: value,
    authorizationCodes: value,
    clientAssertions: value,
    locks: value,
    keyAnnouncements: value,
    accountSessions: value,
  };
}

/** What the records of a person's logins are found by. */
const ownership: Indexes<Pick<Grant, "clientId" | "subject">> = {
  client: ({ clientId }) => clientId,
  subject: ({ subject }) => subject,
};

const noIndexes: Indexes<unknown> = {};

interface InMemoryOptions {
  readonly clock?: () => number;
}

const inMemoryOptionKinds: OptionKinds<InMemoryOptions> = { clock: "function" };

/**
 * Puts a wrapper in front of each repository of a provider. What else the object has, such as the end of it, stays.
 *
 * @param wrap - Called once for each kind of record.
 *
 * @example
 * ```ts
 * const patient = wrapRepositories(repositories, (repository) => retrying(repository, { attempts: 4 }));
 * const measured = wrapRepositories(repositories, (repository, name) => observed(repository, channel(`store:${name}`)));
 * ```
 */
export function wrapRepositories<R extends ProviderRepositories>(
  repositories: R,
  wrap: <V>(repository: Repository<string, V>, name: keyof ProviderRecords) => Repository<string, V>,
): Omit<R, keyof ProviderRecords> & ProviderRepositories {
  requireObject("repositories", repositories);
  requireThat(typeof wrap === "function", "wrapRepositories() needs a function that wraps a repository.");
  const wrapped: ProviderRepositories = {
    accessTokens: wrap(repositories.accessTokens, "accessTokens"),
    authorizationCodes: wrap(repositories.authorizationCodes, "authorizationCodes"),
    refreshTokens: wrap(repositories.refreshTokens, "refreshTokens"),
    clients: wrap(repositories.clients, "clients"),
    grants: wrap(repositories.grants, "grants"),
    grantUses: wrap(repositories.grantUses, "grantUses"),
    clientAssertions: wrap(repositories.clientAssertions, "clientAssertions"),
    upstreamSessions: wrap(repositories.upstreamSessions, "upstreamSessions"),
    upstreamRevocations: wrap(repositories.upstreamRevocations, "upstreamRevocations"),
    consentRevocations: wrap(repositories.consentRevocations, "consentRevocations"),
    locks: wrap(repositories.locks, "locks"),
    keyAnnouncements: wrap(repositories.keyAnnouncements, "keyAnnouncements"),
    accountSessions: wrap(repositories.accountSessions, "accountSessions"),
  };
  requireOneForEach("wrapRepositories()", wrapped);
  return { ...repositories, ...markOfMemory(repositories), ...wrapped };
}

/**
 * Repositories in this process's memory: for development and tests. State is lost with the process and is not shared
 * between instances.
 *
 * @param options - `clock` gives the time in milliseconds since the epoch. Default: `Date.now`.
 * @throws {ConfigurationError} when an option is unknown or wrong; the message names it.
 *
 * @example
 * ```ts
 * const provider = new PangeaOAuthProvider({ ...settings, repositories: createInMemoryRepositories() });
 * ```
 */
export function createInMemoryRepositories(options: InMemoryOptions = {}): ProviderRepositories {
  requireOptions("createInMemoryRepositories", options, inMemoryOptionKinds);
  return createRepositories(
    <V>(_schema: ZodType<V>, _kind: RecordKind, indexes: Indexes<V>) =>
      new InMemoryRepository<string, V>({ ...options, indexes }),
  );
}
