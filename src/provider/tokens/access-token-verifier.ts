import { OAuthError } from "../../errors.ts";
import type { AccessToken } from "../../records/access-token.ts";
import { accessTokenKey, grantIdOf } from "../../records/keys.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { isLive } from "../grants/grants.ts";
import { type KnownUpstreams, upstreamOfRecord, upstreamRemoved } from "../grants/upstream-of-record.ts";
import { readAccessToken } from "../oauth/grant-credential.ts";
import { isPythonAccessToken } from "../oauth/opaque-token.ts";
import { isSameResource } from "../oauth/resource.ts";
import type { ScopeHierarchy } from "../oauth/scope-hierarchy.ts";

/**
 * What is known of a request's access token. It has the shape of the MCP SDK's `AuthInfo`.
 */
export interface AuthInfo {
  /** The access token itself. */
  readonly token: string;
  readonly clientId: string;
  /** The scopes that were given, and those that they imply (`scopeImplies`). */
  readonly scopes: string[];
  /** In epoch seconds. */
  readonly expiresAt: number;
  /** The resource that the token was issued for (RFC 8707). */
  readonly resource: URL;
  /**
   * `subject`: the user's id upstream; `upstreamIssuer`: the issuer that the id is of, for the two together say who the user
   * is; `grantId`: the grant; and the claims of tokens that Python issued.
   */
  readonly extra: Record<string, unknown>;
}

/** What verification needs. */
export type VerifierParts = Pick<ProviderConfiguration, "now" | "repositories" | "resource"> &
  KnownUpstreams &
  Partial<Pick<ProviderConfiguration, "meetForeignGrant">>;

/**
 * Verifies an access token: issued here, alive, of a grant that is alive, of a user of a configured upstream, and for this
 * resource. Token and grant are read
 * in one turn; a text that is none of ours costs no read.
 *
 * @throws {OAuthError} with `invalid_token`.
 * @throws {StorageError} when the store fails.
 */
export async function verifyAccessToken(parts: VerifierParts, token: string): Promise<AuthInfo> {
  const { now: time, repositories, resource, meetForeignGrant } = parts;
  // Callers without types give what a request had.
  if (typeof token !== "string") throw invalidToken();
  const ours = readAccessToken(token);
  if (ours === undefined && !isPythonAccessToken(token)) throw invalidToken();
  const [record, grant] = await Promise.all([
    repositories.accessTokens.get(accessTokenKey(token)),
    ours && repositories.grants.get(grantIdOf(ours.handle)),
  ]);
  const now = time();
  // The Python package kept upstream tokens among its own, without an expiry: those open nothing here.
  if (record?.expiresAt === undefined || record.expiresAt <= now || record.revokedAt !== undefined) {
    throw invalidToken();
  }
  // Tokens of the Python package have no grant, and stand for themselves.
  if (ours !== undefined && !isLive(grant, now)) throw invalidToken();
  if (!isFor(resource, record, ours !== undefined)) {
    if (record.resource !== undefined) meetForeignGrant?.(String(record.resource));
    throw invalidToken();
  }
  const upstream = upstreamOfRecord(parts, grant ?? {});
  if (upstream === undefined) throw upstreamRemoved("invalid_token");
  const { clientId, scopes, expiresAt, claims, subject, grantId } = record;
  return {
    token,
    clientId,
    scopes: [...scopes],
    expiresAt,
    resource: new URL(resource),
    extra: {
      ...claims,
      ...(subject !== undefined && { subject, upstreamIssuer: upstream.issuer }),
      ...(grantId !== undefined && { grantId }),
    },
  };
}

/** The same with the scopes that the given ones imply, for whoever compares scopes without knowing the hierarchy. */
export function withImpliedScopes(hierarchy: ScopeHierarchy, authInfo: AuthInfo): AuthInfo {
  return { ...authInfo, scopes: hierarchy.withImplied(authInfo.scopes) };
}

function isFor(resource: string, record: AccessToken, ours: boolean): boolean {
  if (record.resource === undefined) return !ours;
  return isSameResource(record.resource, resource);
}

function invalidToken(): OAuthError {
  return new OAuthError("invalid_token", "The access token is not known, has expired or was revoked.");
}
