import { storageKey, type TokenKey, tokenKey } from "../secrets/storage-key.ts";

/** The storage key of an access token. It is the form that the Python package uses. */
export function accessTokenKey(token: string): TokenKey {
  return tokenKey(token);
}

/** The storage key of the mark that says that an access token was revoked. `key` is the token's own. */
export function revokedAccessTokenKey(key: string): TokenKey {
  return storageKey("token revoked", key);
}

/** The storage key of an authorization code. */
export function authorizationCodeKey(code: string): TokenKey {
  return storageKey("authorization code", code);
}

/** The storage key of a refresh token. */
export function refreshTokenKey(token: string): TokenKey {
  return storageKey("refresh token", token);
}

/** The storage key of the record that says that a refresh token was used. */
export function spentRefreshTokenKey(token: string): TokenKey {
  return storageKey("spent refresh token", token);
}

/**
 * The id, and so the storage key, of the grant that an authorization code leads to. The id follows from the code, so a
 * second use of the code finds what the first use issued without anything being kept for it.
 */
export function grantIdOfCode(code: string): TokenKey {
  return storageKey("grant", code);
}

/** The storage key of the list of tokens that a grant issued after its first ones. */
export function grantLedgerKey(grantId: string): TokenKey {
  return storageKey("grant ledger", grantId);
}

/** The storage key of the mark that says that a grant was revoked. */
export function revokedGrantKey(grantId: string): TokenKey {
  return storageKey("grant revoked", grantId);
}

/** The storage key of the lock of whoever refreshes a grant's upstream tokens. */
export function upstreamRefreshLockKey(grantId: string): TokenKey {
  return storageKey("upstream refresh", grantId);
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
