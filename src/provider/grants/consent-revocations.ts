import { consentRevocationOf } from "../../records/consent-revocation.ts";
import { recordKey } from "../../records/keys.ts";
import { getFresh } from "../../storage/fresh-read.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";

/** A user of an upstream. Two upstreams may give one subject to two people. */
export interface UpstreamUser {
  readonly subject: string;
  readonly upstreamIssuer: string;
}

/** A user as records name them: those from when a server had one upstream only name none. */
export interface RecordedUser {
  readonly subject: string;
  readonly upstreamIssuer: string | undefined;
}

/**
 * Ends what a person has allowed a client until now. What people have allowed is remembered in their browsers, where this
 * server cannot reach it. So the end of a consent is a record here, and whatever a browser remembers is compared with the
 * record once it is known who has logged in.
 *
 * @throws {StorageError} when the store fails: the consent may stand, so call again.
 */
export async function revokeConsent(
  { now, repositories, resource }: Pick<ProviderConfiguration, "now" | "repositories" | "resource">,
  { subject, upstreamIssuer }: RecordedUser,
  clientId: string,
): Promise<void> {
  const key =
    upstreamIssuer === undefined
      ? keyOfUnnamed(resource, { subject }, clientId)
      : keyOf(resource, { subject, upstreamIssuer }, clientId);
  await repositories.consentRevocations.set(key, consentRevocationOf(now()));
}

/**
 * When a person's consent to a client was last revoked, in epoch seconds, if it was.
 *
 * @throws {StorageError} when the store fails.
 */
export async function consentRevokedAt(
  { repositories, resource }: Pick<ProviderConfiguration, "repositories" | "resource">,
  user: UpstreamUser,
  clientId: string,
): Promise<number | undefined> {
  const keys = [keyOf(resource, user, clientId), keyOfUnnamed(resource, user, clientId)];
  const found = await Promise.all(keys.map((key) => getFresh(repositories.consentRevocations, key)));
  const times = found.flatMap((record) => (record === undefined ? [] : [record.revokedAt]));
  return times.length === 0 ? undefined : Math.max(...times);
}

/** Another server on the same store has consents of its own. */
function keyOf(resource: string, { subject, upstreamIssuer }: UpstreamUser, clientId: string): string {
  return recordKey("consent_revocation", resource, subject, clientId, upstreamIssuer);
}

/**
 * The key of a record that names no upstream, as they were when there was one only. Where two upstreams have the subject,
 * both people are asked again, which does no harm.
 */
function keyOfUnnamed(resource: string, { subject }: Pick<UpstreamUser, "subject">, clientId: string): string {
  return recordKey("consent_revocation", resource, subject, clientId);
}
