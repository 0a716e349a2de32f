import type { ProviderRecords } from "./repositories.ts";

/** Whether a record of a copy's target outlasts what the source has under its key, if anything. */
type Outlasts<V> = (present: V, given: V | undefined) => boolean;

/** Nothing of these kinds says that something is over. */
const none = (): boolean => false;

/**
 * Which records of a store stay when an older state is copied over it: those which say that something was revoked or used. A
 * record from before would bring it back to life. No server deletes such a record before it has expired, so one that the
 * source does not have was written on the target alone.
 */
export const outlasting: { readonly [Name in keyof ProviderRecords]: Outlasts<ProviderRecords[Name]> } = {
  grants: isTombstoneOver,
  accessTokens: isTombstoneOver,
  // A grant's next refresh token says that the one before was used; the keys of a used one are given their end.
  refreshTokens: (present, given) =>
    given === undefined || (present.issuedAt === given.issuedAt && present.expiresAt < given.expiresAt),
  clientAssertions: (present, given) => given === undefined || present.expiresAt > given.expiresAt,
  consentRevocations: (present, given) => given === undefined || present.revokedAt > given.revokedAt,
  grantUses: (present, given) => given !== undefined && present.usedAt > given.usedAt,
  keyAnnouncements: (present, given) => given !== undefined && present.expiresAt > given.expiresAt,
  authorizationCodes: none,
  clients: none,
  upstreamSessions: none,
  upstreamRevocations: none,
  locks: none,
  accountSessions: none,
};

function isTombstoneOver(
  { revokedAt }: { readonly revokedAt?: number },
  given: { readonly revokedAt?: number } | undefined,
): boolean {
  return revokedAt !== undefined && given?.revokedAt === undefined;
}
