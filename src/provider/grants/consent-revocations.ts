import { hash } from "node:crypto";
import { type ConsentRevocation, consentRevocationOf, isOfAnotherServer } from "../../records/consent-revocation.ts";
import { recordKey } from "../../records/keys.ts";
import { getFresh } from "../../storage/fresh-read.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { withoutLastSlashes } from "../oauth/paths.ts";

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

/** What is known of the end of a person's consent to a client. */
export interface RevokedConsent {
  /** When it was last revoked, in epoch seconds, by the clock of whoever revoked it. */
  readonly revokedAt: number;
  /** Names this revocation: another one, before or after, has another name. */
  readonly mark: string;
  /** The name of the clock that says when, where one clock says it all and is known. */
  readonly revokedBy: string | undefined;
}

/**
 * What a revocation needs: where it is kept, and whose clock says when it was. The instance is known by the name of its clock. An
 * operator's tool is no instance.
 */
type RevocationParts = Pick<ProviderConfiguration, "now" | "repositories"> & { readonly instance?: string };

/** Stand in the key of a record for every client, person or server. No key of a single client has so many parts. */
const everyClient = "every client";
const everybody = "everybody";
const everyServer = "every server";

/**
 * Ends what a person has allowed a client until now. What people have allowed is remembered in their browsers, where this
 * server cannot reach it. So the end of a consent is a record here, and whatever a browser remembers is compared with the
 * record once it is known who has logged in.
 *
 * @throws {StorageError} when the store fails: the consent may stand, so call again.
 */
export async function revokeConsent(
  { instance, now, repositories, resource }: RevocationParts & Pick<ProviderConfiguration, "resource">,
  user: RecordedUser,
  clientId: string,
): Promise<void> {
  const key = keyOf(normalResource(resource), normalUser(user), clientId);
  await repositories.consentRevocations.set(key, consentRevocationOf(now(), instance));
}

/**
 * Ends what a person has allowed any client until now, also clients of which nothing is stored any more. The resource is that of
 * the server; where it is undefined, what was allowed at every server on the store is over, for users of this name of any
 * upstream: an operator's tool knows neither. Who was not meant is asked once more, which does no harm.
 *
 * @throws {StorageError} when the store fails: the consent may stand, so call again.
 */
export async function revokeEveryConsent(
  { instance, now, repositories, resource }: RevocationParts & { readonly resource: string | undefined },
  user: RecordedUser,
): Promise<void> {
  const key = keyOfEveryClient(resource === undefined ? undefined : normalResource(resource), normalUser(user));
  await repositories.consentRevocations.set(key, consentRevocationOf(now(), instance));
}

/**
 * Ends what everybody has allowed at a server until now, whatever is stored of it. Browsers remember decisions of whose end a
 * store that was lost, or brought back from a backup, knows nothing any more.
 *
 * @throws {StorageError} when the store fails: consents may stand, so call again.
 */
export async function revokeConsentOfEverybody({
  instance,
  now,
  repositories,
  resource,
}: RevocationParts & Pick<ProviderConfiguration, "resource">): Promise<void> {
  const key = keyOfEverybody(normalResource(resource));
  await repositories.consentRevocations.set(key, consentRevocationOf(now(), instance));
}

/**
 * The last revocation of a person's consent to a client, if there was one. All that may say so is read in one turn.
 *
 * A record under a key of this server that another server has sealed is of before this server's issuer changed. It is
 * replaced by one of this moment, so that the person is asked once more. A record for every server may be another's for good: it
 * stays, and the person is asked at each login.
 *
 * @throws {StorageError} when the store fails.
 */
export async function revokedConsent(
  { now, repositories, resource: given }: Pick<ProviderConfiguration, "now" | "repositories" | "resource">,
  user: UpstreamUser,
  clientId: string,
): Promise<RevokedConsent | undefined> {
  const { consentRevocations } = repositories;
  const resource = normalResource(given);
  const [named, unnamed] = [normalUser(user), { ...user, upstreamIssuer: undefined }];
  const ofEveryServer = keyOfEveryClient(undefined, named);
  const keys = new Set<string>([
    keyOf(resource, named, clientId),
    keyOf(resource, unnamed, clientId),
    keyOfEveryClient(resource, named),
    ofEveryServer,
    keyOfEverybody(resource),
    // Records of earlier versions have the resource and the issuer in their keys as the options have them.
    keyOf(given, user, clientId),
    keyOf(given, unnamed, clientId),
  ]);
  const read = async (key: string) => {
    const revocation = await getFresh(consentRevocations, key);
    if (revocation === undefined || key === ofEveryServer || !isOfAnotherServer(revocation))
      return [key, revocation] as const;
    const replacement = consentRevocationOf(now(), undefined);
    await consentRevocations.set(key, replacement);
    return [key, replacement] as const;
  };
  const found = (await Promise.all([...keys].map(read))).filter(
    (entry): entry is readonly [string, ConsentRevocation] => entry[1] !== undefined,
  );
  if (found.length === 0) return undefined;
  const [by, ...others] = new Set(found.map(([, { revokedBy }]) => revokedBy));
  const names = found.map(([key, { revokedAt, id = "" }]) => [key, revokedAt, id]);
  return {
    revokedAt: Math.max(...found.map(([, { revokedAt }]) => revokedAt)),
    revokedBy: others.length === 0 ? by : undefined,
    mark: hash("sha256", JSON.stringify(names.sort()), "base64url").slice(0, 16),
  };
}

/**
 * The key of one client's record. Another server on the same store has consents of its own. A record that names no upstream is
 * from when there was one only. Where two upstreams have the subject, both people are asked again, which does no harm.
 */
function keyOf(resource: string, { subject, upstreamIssuer }: RecordedUser, clientId: string): string {
  const issuer = upstreamIssuer === undefined ? [] : [upstreamIssuer];
  return recordKey("consent_revocation", resource, subject, clientId, ...issuer);
}

/** @param resource - Undefined for every server on the store, and every upstream. */
function keyOfEveryClient(resource: string | undefined, { subject, upstreamIssuer = "" }: RecordedUser): string {
  const where = resource === undefined ? [everyServer, "", ""] : ["", resource, upstreamIssuer];
  return recordKey("consent_revocation", ...where, subject, everyClient);
}

function keyOfEverybody(resource: string): string {
  return recordKey("consent_revocation", "", resource, "", "", everyClient, everybody);
}

/**
 * A resource in the one form in which keys have it: as a URL is written, without a slash at its end. Options may write it in
 * another one, and the grants of the store have it as a URL, which is all that an operator's tool knows of a server.
 */
function normalResource(resource: string): string {
  return withoutLastSlashes(URL.canParse(resource) ? new URL(resource).href : resource);
}

/** A slash at the end of an issuer does not count. */
function normalUser({ subject, upstreamIssuer }: RecordedUser): RecordedUser {
  return { subject, upstreamIssuer: upstreamIssuer === undefined ? undefined : withoutLastSlashes(upstreamIssuer) };
}
