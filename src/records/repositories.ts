import type { ZodType } from "zod";
import type { Repository } from "../storage/contract.ts";
import { InMemoryRepository } from "../storage/in-memory.ts";
import { type AccessToken, AccessTokenSchema } from "./access-token.ts";
import { type AuthorizationCode, AuthorizationCodeSchema } from "./authorization-code.ts";
import { type ClientAssertion, ClientAssertionSchema } from "./client-assertion.ts";
import { type Grant, GrantSchema } from "./grant.ts";
import { type Lock, LockSchema } from "./lock.ts";
import { type OAuthClientInformation, OAuthClientInformationSchema } from "./oauth-client-information.ts";
import { type RefreshToken, RefreshTokenSchema } from "./refresh-token.ts";
import { type UpstreamRevocation, UpstreamRevocationSchema } from "./upstream-revocation.ts";
import { type UpstreamSessionRecord, UpstreamSessionSchema } from "./upstream-session.ts";

/**
 * The repositories that a `PangeaOAuthProvider` keeps its state in. Keys are SHA-256 hashes of secrets or identifiers
 * that are not secret; no token or code is ever a key.
 */
export interface ProviderRepositories {
  /** Issued access tokens, by the hash of the token. */
  readonly accessTokens: Repository<string, AccessToken>;
  /** Authorization codes that wait to be redeemed, by the hash of the code. */
  readonly authorizationCodes: Repository<string, AuthorizationCode>;
  /** Issued refresh tokens, by a hash of grant and number. */
  readonly refreshTokens: Repository<string, RefreshToken>;
  /** Dynamically registered clients, by client id. */
  readonly clients: Repository<string, OAuthClientInformation>;
  /** Grants (one user's approval of one client, with the upstream tokens), by grant id. */
  readonly grants: Repository<string, Grant>;
  /** The `private_key_jwt` assertions that were used, by the hash of client id and `jti`, until they expire. */
  readonly clientAssertions: Repository<string, ClientAssertion>;
  /** The upstream sessions of grants that have been refreshed since the login, by grant id. */
  readonly upstreamSessions: Repository<string, UpstreamSessionRecord>;
  /** What the upstream could not be told: sessions that it has yet to end, by grant id. */
  readonly upstreamRevocations: Repository<string, UpstreamRevocation>;
  /** Locks that one instance at a time holds, by the hash of what they lock. */
  readonly locks: Repository<string, Lock>;
}

/** The name of a kind of record; backends use it as a namespace. */
export type RecordKind =
  | "access_token"
  | "authorization_code"
  | "refresh_token"
  | "client"
  | "grant"
  | "client_assertion"
  | "upstream_session"
  | "upstream_revocation"
  | "lock";

/**
 * Builds every repository of a provider on one backend of your own.
 *
 * @param create - Called once for each kind of record with its Zod schema and its name.
 *
 * @example
 * ```ts
 * const repositories = createRepositories((schema, kind) => new MyRepository(schema, { table: kind }));
 * const provider = new PangeaOAuthProvider({ ...settings, repositories });
 * ```
 */
export function createRepositories(
  create: <V>(schema: ZodType<V>, kind: RecordKind) => Repository<string, V>,
): ProviderRepositories {
  return {
    accessTokens: create<AccessToken>(AccessTokenSchema, "access_token"),
    authorizationCodes: create<AuthorizationCode>(AuthorizationCodeSchema, "authorization_code"),
    refreshTokens: create<RefreshToken>(RefreshTokenSchema, "refresh_token"),
    clients: create<OAuthClientInformation>(OAuthClientInformationSchema, "client"),
    grants: create<Grant>(GrantSchema, "grant"),
    clientAssertions: create<ClientAssertion>(ClientAssertionSchema, "client_assertion"),
    upstreamSessions: create<UpstreamSessionRecord>(UpstreamSessionSchema, "upstream_session"),
    upstreamRevocations: create<UpstreamRevocation>(UpstreamRevocationSchema, "upstream_revocation"),
    locks: create<Lock>(LockSchema, "lock"),
  };
}

/**
 * Repositories in this process's memory: for development and tests. State is lost with the process and is not shared
 * between instances.
 *
 * @param options - `clock` gives the time in milliseconds since the epoch (default `Date.now`).
 *
 * @example
 * ```ts
 * const provider = new PangeaOAuthProvider({ ...settings, repositories: createInMemoryRepositories() });
 * ```
 */
export function createInMemoryRepositories(options: { readonly clock?: () => number } = {}): ProviderRepositories {
  return createRepositories(<V>() => new InMemoryRepository<string, V>(options));
}
