import { OAuthError, UnsealableError } from "../../errors.ts";
import type { AccessToken } from "../../records/access-token.ts";
import { accessTokenKey, grantIdOf, refreshTokenKey } from "../../records/keys.ts";
import type { RefreshToken } from "../../records/refresh-token.ts";
import type { KeyRing } from "../../secrets/key-ring.ts";
import type { Repository } from "../../storage/contract.ts";
import { emit } from "../events.ts";
import { type GrantKey, StepKey } from "../grants/grant-key.ts";
import type { Grants } from "../grants/grants.ts";
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
export interface RevokerParts {
  readonly repositories: {
    readonly accessTokens: Repository<string, AccessToken>;
    readonly refreshTokens: Repository<string, RefreshToken>;
  };
  readonly grants: Grants;
  readonly keys: KeyRing;
  readonly announcements: KeyAnnouncements;
  /** The time in epoch seconds. */
  readonly now: () => number;
}

/** A refresh token, and whether its mark says that this server issued it. */
interface ShownRefreshToken extends GrantCredential {
  readonly isProven: boolean;
}

/** Revokes tokens at their client's wish (RFC 7009). */
export class TokenRevoker {
  readonly #parts: RevokerParts;

  constructor(parts: RevokerParts) {
    this.#parts = parts;
  }

  /**
   * Revokes a token: an access token by itself, a refresh token with its whole grant. A token that is unknown, or is
   * another client's, is left alone without a word, so that nobody learns whether it exists.
   *
   * @throws {StorageError} when the store fails.
   */
  async revoke(clientId: string, token: string): Promise<void> {
    const refresh = await this.#readRefreshToken(token);
    if (refresh !== undefined) await this.#revokeGrant(clientId, refresh);
    else await this.#revokeAccessToken(clientId, token);
  }

  /** A token whose key nobody has any more can still be revoked: nothing else can be done with it. Its mark says nothing. */
  async #readRefreshToken(token: string): Promise<ShownRefreshToken | undefined> {
    const { keys, announcements } = this.#parts;
    try {
      const credential = readCredential(keys.derive("credential mark"), "refresh_token", token);
      return credential && { ...credential, isProven: true };
    } catch (failure) {
      const explained = await announcements.explain(failure);
      if (explained instanceof OAuthError && explained.error === "invalid_grant") {
        const credential = readMarkedCredential("refresh_token", token);
        return credential && { ...credential, isProven: false };
      }
      throw explained;
    }
  }

  async #revokeGrant(clientId: string, { handle, generation, core, isProven }: ShownRefreshToken): Promise<void> {
    const { repositories, grants, keys } = this.#parts;
    const grantId = grantIdOf(handle);
    const [record, grant] = await Promise.all([
      repositories.refreshTokens.get(refreshTokenKey(handle, generation)),
      grants.get(grantId),
    ]);
    if (grant?.clientId !== clientId) return;
    const key = record && openKey(keys, grantId, core, record.wrappedKey);
    // Whoever knows the handle can invent a mark, but no record of the login that is as lost as the mark's key.
    if (isProven || (record !== undefined && key === "lost")) {
      await grants.revoke(grantId, { grant, key: key === "lost" ? undefined : key });
    }
  }

  async #revokeAccessToken(clientId: string, token: string): Promise<void> {
    const ours = readAccessToken(token);
    if (ours === undefined && !isPythonAccessToken(token)) return;
    const { accessTokens } = this.#parts.repositories;
    const key = accessTokenKey(token);
    const record = await accessTokens.get(key);
    if (record === undefined || record.clientId !== clientId || record.revokedAt !== undefined) return;
    if (ours === undefined) await accessTokens.delete(key);
    else await accessTokens.set(key, await this.#revoked(record));
    emit("token-revoked", { clientId, grantId: record.grantId });
  }

  /** The record of a revoked token is kept as long as its grant: the token could be issued again while that lives. */
  async #revoked({ wrappedKey: _, ...record }: AccessToken): Promise<AccessToken> {
    const { grants, now } = this.#parts;
    const grant = record.grantId === undefined ? undefined : await grants.get(record.grantId);
    const expiresAt = grant?.expiresAt ?? record.expiresAt;
    return { ...record, scopes: [], revokedAt: now(), ...(expiresAt !== undefined && { expiresAt }) };
  }
}

/** The key that is wrapped under a token; "lost" where it was wrapped with a secret that is not configured any more. */
function openKey(keys: KeyRing, grantId: string, core: string, wrappedKey: string): GrantKey | "lost" | undefined {
  try {
    return StepKey.unwrap(keys, grantId, core, wrappedKey).grantKey;
  } catch (failure) {
    if (!(failure instanceof UnsealableError)) throw failure;
    reportFailure(failure);
    return failure.keyId === undefined ? undefined : "lost";
  }
}
