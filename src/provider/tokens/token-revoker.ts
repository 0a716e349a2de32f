import { OAuthError } from "../../errors.ts";
import type { Grant } from "../../records/grant.ts";
import { accessTokenKey, grantIdOf, refreshTokenKey } from "../../records/keys.ts";
import { openOr } from "../../secrets/sealing.ts";
import { getFresh } from "../../storage/fresh-read.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import { GrantKey, StepKey } from "../grants/grant-key.ts";
import { type Grants, isLive, isOfServer, isRevoked } from "../grants/grants.ts";
import type { KeyAnnouncements } from "../keys/key-announcements.ts";
import {
  type GrantCredential,
  readAccessToken,
  readCredential,
  readMarkedCredential,
} from "../oauth/grant-credential.ts";
import { isPythonAccessToken } from "../oauth/opaque-token.ts";

/** What revocation needs. */
export type RevokerParts = Pick<
  ProviderConfiguration,
  "instanceClockTolerance" | "keys" | "lifetimes" | "now" | "reporter" | "repositories" | "resource"
> & {
  readonly grants: Grants;
  readonly announcements: KeyAnnouncements;
};

/**
 * Revokes a token at its client's wish (RFC 7009): an access token by itself, a refresh token with its whole grant. A token
 * that is unknown, or is another client's, is left alone without a word, so that nobody learns whether it exists.
 *
 * @throws {StorageError} when the store fails.
 */
export async function revokeToken(parts: RevokerParts, clientId: string, token: string): Promise<void> {
  const { keys, announcements } = parts;
  let credential: GrantCredential | undefined;
  let isProven = true;
  try {
    credential = readCredential(keys.derive("credential mark"), "refresh_token", token);
  } catch (failure) {
    const explained = await announcements.explain(failure);
    if (!(explained instanceof OAuthError && explained.error === "invalid_grant")) throw explained;
    // A token whose key nobody has any more can still be revoked: nothing else can be done with it. Its mark says nothing.
    isProven = false;
    credential = readMarkedCredential("refresh_token", token);
  }
  if (credential === undefined) await revokeAccessToken(parts, clientId, token);
  else await revokeGrant(parts, clientId, credential, isProven);
}

async function revokeGrant(
  { announcements, reporter, repositories, grants, keys, resource }: RevokerParts,
  clientId: string,
  { handle, generation, core }: GrantCredential,
  isProven: boolean,
): Promise<void> {
  const grantId = grantIdOf(handle);
  const [record, grant] = await Promise.all([
    repositories.refreshTokens.get(refreshTokenKey(handle, generation)),
    grants.get(grantId),
  ]);
  if (grant?.clientId !== clientId || !isOfServer(grant, resource)) return;
  let key: GrantKey | undefined;
  // Whoever knows the handle can invent a mark, but no record of the login that is as lost as the mark's key.
  let isLost = false;
  try {
    key = record && StepKey.unwrap(keys, grantId, core, record.wrappedKey).grantKey;
  } catch (failure) {
    const explained = await announcements.explain(failure);
    isLost = explained instanceof OAuthError && explained.error === "invalid_grant";
    if (explained === failure) reporter.failure(failure);
    // Another instance opens the record, and ends the session upstream too.
    else if (!isLost) throw explained;
  }
  if (isProven || isLost) await grants.revoke(grantId, { grant, key });
}

async function revokeAccessToken(parts: RevokerParts, clientId: string, token: string): Promise<void> {
  const { reporter, repositories, grants, keys, now, resource } = parts;
  const { accessTokens } = repositories;
  const ours = readAccessToken(token);
  if (ours === undefined && !isPythonAccessToken(token)) return;
  const key = accessTokenKey(token);
  const grantId = ours && grantIdOf(ours.handle);
  const [found, grant] = await Promise.all([accessTokens.get(key), grantId && grants.get(grantId)]);
  let record = found;
  if (record === undefined) {
    if (grantId === undefined || !grant || !isLive(grant, now()) || grant.clientId !== clientId) return;
    if (!isOfServer(grant, resource)) return;
    // A refresh that is repeated on a slow clock may issue the token again, or may have done so since the token was read.
    const tombstone = {
      ...{ clientId, scopes: [], grantId, revokedAt: now() },
      expiresAt: endOfTombstone(parts, now(), grant),
    };
    if (await accessTokens.add(key, tombstone)) return;
    record = await getFresh(accessTokens, key);
    // What was there has ended since, and may come again.
    if (record === undefined) return accessTokens.set(key, tombstone);
  }
  if (record.clientId !== clientId || !isOfServer(record, resource)) return;
  // Whoever revokes again may have been told that the replicas lack the tombstone: that nothing is left to do says nothing of them.
  if (record.revokedAt !== undefined) return accessTokens.set(key, record);
  if (grantId === undefined) {
    await accessTokens.delete(key);
  } else {
    const { wrappedKey, ...kept } = record;
    if (grant && isRevoked(grant) && wrappedKey !== undefined) {
      // It may be the last token that opens the session which the revocation could not end.
      const open = () => GrantKey.unwrap(keys, grantId, token, wrappedKey);
      const grantKey = openOr(open, (failure) => {
        reporter.failure(failure);
        return undefined;
      });
      await grants.endUpstream(grantId, grant, grantKey);
    }
    const { expiresAt } = record;
    const end = expiresAt !== undefined && grant && { expiresAt: endOfTombstone(parts, expiresAt, grant) };
    const revoked = { ...kept, scopes: [], revokedAt: now(), ...end };
    await accessTokens.set(key, revoked);
  }
  emit("token-revoked", { clientId, grantId: record.grantId });
}

/**
 * How long the tombstone of an access token is kept, in epoch seconds. An access token that has ended is not issued again
 * (`TokenIssue.reissuedUntil`), but by an instance whose clock is behind, and by a request that began before and was suspended.
 * The record that either of them adds ends before the tombstone does. So no more than this is kept for the tokens that
 * somebody invents for a grant of their own.
 *
 * @param endedAt - When the access token ends or has ended, in epoch seconds.
 */
function endOfTombstone(
  { instanceClockTolerance, lifetimes }: Pick<RevokerParts, "instanceClockTolerance" | "lifetimes">,
  endedAt: number,
  grant: Grant,
): number {
  return Math.ceil(Math.min(grant.expiresAt, endedAt + lifetimes.accessToken + instanceClockTolerance));
}
