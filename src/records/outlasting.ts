import type { ProviderRecords } from "./repositories.ts";

/** Whether a record of a copy's target outlasts what the source has under its key, if anything. */
type Outlasts<V> = (present: V, given: V | undefined) => boolean;

/** Whether a record of a copy's target outlasts what the source has, for each kind. */
export type OutlastingRules = { readonly [Name in keyof ProviderRecords]: Outlasts<ProviderRecords[Name]> };

/** Nothing of these kinds says that something is over. */
const none = (): boolean => false;

/**
 * Which records of a store stay when an older state is copied over it: those which say that something was revoked or used. A
 * record from before would bring it back to life. No server deletes such a record before it has expired, so one that the
 * source does not have was written on the target alone. Refresh tokens leave a store before that, and are judged by their
 * grant: see `compareRefreshChains`.
 */
export const outlasting: Omit<OutlastingRules, "refreshTokens"> = {
  grants: isTombstoneOver,
  accessTokens: isTombstoneOver,
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
