import { OAuthError } from "../../errors.ts";
import { accessTokenKey, grantIdOf, refreshTokenKey } from "../../records/keys.ts";
import { openOr } from "../../secrets/sealing.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import { StepKey } from "../grants/grant-key.ts";
import { type Grants, isOfServer } from "../grants/grants.ts";
import type { KeyAnnouncements } from "../keys/key-announcements.ts";
import {
  type GrantCredential,
  readAccessToken,
  readCredential,
  readMarkedCredential,
} from "../oauth/grant-credential.ts";
import { isPythonAccessToken } from "../oauth/opaque-token.ts";
import { reportFailure } from "../oauth-failure.ts";

/** What revocation needs. */
export type RevokerParts = Pick<ProviderConfiguration, "keys" | "now" | "repositories" | "resource"> & {
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
  { repositories, grants, keys, resource }: RevokerParts,
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
  const opened =
    record &&
    openOr(
      () => StepKey.unwrap(keys, grantId, core, record.wrappedKey),
      (failure) => failure,
    );
  const isOpen = opened instanceof StepKey;
  if (opened !== undefined && !isOpen) reportFailure(opened);
  // Whoever knows the handle can invent a mark, but no record of the login that is as lost as the mark's key.
  const isLost = opened !== undefined && !isOpen && opened.keyId !== undefined;
  if (isProven || isLost) await grants.revoke(grantId, { grant, key: isOpen ? opened.grantKey : undefined });
}

async function revokeAccessToken({ repositories, grants, now }: RevokerParts, clientId: string, token: string) {
  const { accessTokens } = repositories;
  const ours = readAccessToken(token);
  if (ours === undefined && !isPythonAccessToken(token)) return;
  const key = accessTokenKey(token);
  const record = await accessTokens.get(key);
  if (record === undefined || record.clientId !== clientId || record.revokedAt !== undefined) return;
  if (ours === undefined) {
    await accessTokens.delete(key);
  } else {
    // The record is kept as long as the token's grant: the token could be issued again while that lives.
    const { wrappedKey: _, ...kept } = record;
    const expiresAt = (await grants.get(grantIdOf(ours.handle)))?.expiresAt ?? record.expiresAt;
    const revoked = { ...kept, scopes: [], revokedAt: now(), ...(expiresAt !== undefined && { expiresAt }) };
    await accessTokens.set(key, revoked);
  }
  emit("token-revoked", { clientId, grantId: record.grantId });
}
