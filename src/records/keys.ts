import { storageKey, type TokenKey, tokenKey } from "../secrets/storage-key.ts";
import type { RecordKind } from "./repositories.ts";

/** The storage key of a record whose kind has no form of key of its own below. The parts tell records of the kind apart. */
export function recordKey(kind: RecordKind, ...parts: readonly string[]): TokenKey {
  return storageKey(kind, JSON.stringify(parts));
}

/** The storage key of an access token. It is the form that the Python package uses. */
export function accessTokenKey(token: string): TokenKey {
  return tokenKey(token);
}

/** The storage key of the authorization code of a grant. */
export function authorizationCodeKey(handle: string): TokenKey {
  return storageKey("authorization code", handle);
}

/** The storage key of a refresh token: its number within its grant. */
export function refreshTokenKey(handle: string, generation: number): TokenKey {
  return storageKey("refresh token", `${handle}.${generation}`);
}

/**
 * The id, and so the storage key, of a grant. Every credential of the grant has the handle, so the grant is read together
 * with the credential's own record.
 */
export function grantIdOf(handle: string): TokenKey {
  return storageKey("grant", handle);
}

/** True for what has the form of a grant's id, whether or not there is such a grant. */
export function isGrantId(text: string): text is TokenKey {
  return /^sha256-[A-Za-z0-9+/]{43}=$/.test(text);
}

/** The storage key of the last use of a grant: another one than the grant's, for kinds of records may share a folder of names. */
export function grantUseKey(grantId: string): TokenKey {
  return recordKey("grant_use", grantId);
}

/** The storage key of the newest upstream session of a grant: another one than the grant's, for the same reason. */
export function upstreamSessionKey(grantId: string): TokenKey {
  return recordKey("upstream_session", grantId);
}

/** The storage key of the lock of whoever replaces a version of a grant's upstream session. */
export function upstreamRefreshLockKey(grantId: string, sealedSession: string): TokenKey {
  return storageKey("upstream refresh", JSON.stringify([grantId, sealedSession]));
}

/** The storage key of an announcement that an instance of this server has a key, for the server's other instances. */
export function instanceAnnouncementKey(issuer: string, keyId: string): TokenKey {
  return recordKey("key_announcement", issuer, keyId);
}

/** The storage key of what tells a server for long that it had a key itself: so the key is never taken for another server's. */
export function serverAnnouncementKey(issuer: string, keyId: string): TokenKey {
  return recordKey("key_announcement", "remembered", issuer, keyId);
}

/** The storage key of what tells for long, to whoever uses the store, that somebody has a key: others do not know the issuer. */
export function storeAnnouncementKey(keyId: string): TokenKey {
  return recordKey("key_announcement", keyId);
}

/** The storage key of an account session: by a hash, so that the store does not have what the browser shows. */
export function accountSessionKey(sessionId: string): TokenKey {
  return storageKey("account session", sessionId);
}

/**
 * The storage key of a client id. Plain ids are keys as they are, as the Python package stores them; anything else (a
 * URL, an id that could be mistaken for another kind of key in a shared folder) is hashed.
 */
export function clientKey(clientId: string): string {
  const plain = /^[0-9A-Za-z][0-9A-Za-z_.-]{0,127}$/.test(clientId);
  return plain && !/^(?:sha256-|mcp_|client_to_authn_)/.test(clientId) ? clientId : storageKey("client", clientId);
}

/** The storage key of a client assertion that was used: the client's id and the assertion's own tell it apart. */
export function clientAssertionKey(clientId: string, jwtId: string): TokenKey {
  return storageKey("client assertion", JSON.stringify([clientId, jwtId]));
}
