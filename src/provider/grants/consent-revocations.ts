import { consentRevocationOf } from "../../records/consent-revocation.ts";
import { recordKey } from "../../records/keys.ts";
import { getFresh } from "../../storage/fresh-read.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";

/**
 * Ends what a person has allowed a client until now. What people have allowed is remembered in their browsers, where this
 * server cannot reach it. So the end of a consent is a record here, and whatever a browser remembers is compared with the
 * record once it is known who has logged in.
 *
 * @throws {StorageError} when the store fails: the consent may stand, so call again.
 */
export async function revokeConsent(
  { now, repositories, resource }: Pick<ProviderConfiguration, "now" | "repositories" | "resource">,
  subject: string,
  clientId: string,
): Promise<void> {
  await repositories.consentRevocations.set(keyOf(resource, subject, clientId), consentRevocationOf(now()));
}

/**
 * When a person's consent to a client was last revoked, in epoch seconds, if it was.
 *
 * @throws {StorageError} when the store fails.
 */
export async function consentRevokedAt(
  { repositories, resource }: Pick<ProviderConfiguration, "repositories" | "resource">,
  subject: string,
  clientId: string,
): Promise<number | undefined> {
  return (await getFresh(repositories.consentRevocations, keyOf(resource, subject, clientId)))?.revokedAt;
}

/** Another server on the same store has consents of its own. */
function keyOf(resource: string, subject: string, clientId: string): string {
  return recordKey("consent_revocation", resource, subject, clientId);
}
