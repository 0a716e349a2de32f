import { OAuthError, UnsealableError } from "../../errors.ts";
import type { AccessToken } from "../../records/access-token.ts";
import type { Grant } from "../../records/grant.ts";
import type { IssuedToken } from "../../records/issued-token.ts";
import { grantLedgerKey, refreshTokenKey, revokedAccessTokenKey, revokedGrantKey } from "../../records/keys.ts";
import type { RefreshToken } from "../../records/refresh-token.ts";
import type { Repository } from "../../storage/contract.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import { emit } from "../events.ts";
import { reportFailure } from "../oauth-failure.ts";
import type { UpstreamTokens } from "../upstream/contract.ts";
import { GrantKey } from "./grant-key.ts";

/** A request that is under way for longer than this, beyond what Pangea AuthN may take, is not waited for: in seconds. */
const longestRequest = 600;

/** What a grant has issued since its first tokens, as far as it is listed. */
export interface LaterTokens {
  readonly tokens: readonly IssuedToken[];
  /** Under which key the use of the last of those refresh tokens is recorded. */
  readonly spentKey: string | undefined;
}

/**
 * Grants: one user's approval of one client. A grant holds the upstream tokens and the identity, and knows the keys of
 * the tokens that it issued, so that revoking it ends them all.
 *
 * A revocation can race an issuance on another instance, and the contract has no transactions. So a revocation first
 * writes a mark and then deletes what it finds, while an issuance first writes and then looks for the mark: whichever
 * order they run in, one of the two sees the other. The marks live for as long as requests may be under way. What they
 * cannot stop is a write that the store carries out after it has told its caller that it failed.
 *
 * The list of what was issued later is replaced as a whole, so a slow writer can set it back. Nothing is lost by that:
 * each use of a refresh token is recorded with what was issued in its place, and a revocation goes on from the last one
 * that is listed.
 */
export class Grants {
  readonly #grants: Repository<string, Grant>;
  readonly #accessTokens: Repository<string, AccessToken>;
  readonly #refreshTokens: Repository<string, RefreshToken>;
  readonly #configuration: ProviderConfiguration;

  constructor(configuration: ProviderConfiguration) {
    const { repositories } = configuration;
    this.#grants = repositories.grants;
    this.#accessTokens = repositories.accessTokens;
    this.#refreshTokens = repositories.refreshTokens;
    this.#configuration = configuration;
  }

  get(grantId: string): Promise<Grant | undefined> {
    return this.#grants.get(grantId);
  }

  set(grantId: string, grant: Grant): Promise<void> {
    return this.#grants.set(grantId, grant);
  }

  /** What the grant has issued since its first tokens. */
  async laterTokens(grantId: string): Promise<LaterTokens> {
    const ledger = await this.#grants.get(grantLedgerKey(grantId));
    return { tokens: ledger?.tokens ?? [], spentKey: ledger?.spentKey };
  }

  /** Replaces the list of what the grant has issued since its first tokens. */
  async setLaterTokens(
    grantId: string,
    grant: Grant,
    { tokens, spentKey }: LaterTokens & { readonly spentKey: string },
  ): Promise<void> {
    const { clientId, scopes, createdAt, expiresAt } = grant;
    const ledger = { clientId, scopes, createdAt, expiresAt, ledgerOf: grantId, tokens: [...tokens], spentKey };
    await this.#grants.set(grantLedgerKey(grantId), ledger);
  }

  /** Ends one access token, for good: a request under way that issues it again takes it back. */
  async revokeAccessToken(key: string): Promise<void> {
    await this.#grants.set(revokedAccessTokenKey(key), this.#mark());
    await this.#accessTokens.delete(key);
  }

  /**
   * Takes back an access token that was issued again though it had been revoked.
   *
   * @throws `OAuthError` with `invalid_grant` in that case.
   */
  async endIfTokenRevoked(key: string): Promise<void> {
    if ((await this.#grants.get(revokedAccessTokenKey(key))) === undefined) return;
    await this.#accessTokens.delete(key);
    throw new OAuthError("invalid_grant", "The refresh token was used before, and what it led to was revoked.");
  }

  /**
   * The grant's key, as it is wrapped under a credential; undefined for a grant that has none.
   *
   * @throws `OAuthError` with `invalid_grant` where the secret is no longer configured: nothing can go on with the login.
   */
  openKey(grantId: string, credential: string, wrappedKey: string | undefined): GrantKey | undefined {
    if (wrappedKey === undefined) return undefined;
    try {
      return GrantKey.unwrap(this.#configuration.keys, grantId, credential, wrappedKey);
    } catch (failure) {
      if (!(failure instanceof UnsealableError)) throw failure;
      reportFailure(failure);
      throw new OAuthError("invalid_grant", "The secret that the login began under is gone; log in again.");
    }
  }

  /** True where the grant was revoked while a request that is still under way may have gone on with it. */
  async wasRevoked(grantId: string): Promise<boolean> {
    return (await this.#grants.get(revokedGrantKey(grantId))) !== undefined;
  }

  /**
   * Ends a grant: its access and refresh tokens here and, where a credential of the grant is at hand to open them, the
   * upstream tokens at Pangea AuthN. A second call is harmless.
   *
   * @param credential - A token or code of the grant. Without one the upstream tokens cannot be opened and are left to
   * expire.
   * @param wrappedKey - The grant's key as wrapped under that credential; the code's own is in the grant.
   * @returns Whether there was a grant to end.
   * @throws `StorageError` when the store fails, in which case something may be left: call again. What a second call
   * needs goes last: the lists after the tokens that are in them, and a refresh token that was shown after those.
   */
  async revoke(grantId: string, credential?: string, wrappedKey?: string): Promise<boolean> {
    await this.#grants.set(revokedGrantKey(grantId), this.#mark());
    const [grant, later] = await Promise.all([this.#grants.get(grantId), this.laterTokens(grantId)]);
    const unlisted = await this.#issuedAfter(later.spentKey ?? grant?.spentKey);
    const shown = credential === undefined ? undefined : refreshTokenKey(credential);
    const tokens = [...(grant?.tokens ?? []), ...later.tokens, ...unlisted];
    await this.deleteTokens(tokens.filter(({ key }) => key !== shown));
    if (grant !== undefined && credential !== undefined) {
      await this.#revokeUpstream(grantId, grant, credential, wrappedKey);
    }
    await this.#grants.delete(grantLedgerKey(grantId));
    await this.#grants.delete(grantId);
    if (grant !== undefined) emit("grant-revoked", { clientId: grant.clientId, grantId });
    if (shown !== undefined) await this.#refreshTokens.delete(shown);
    return grant !== undefined;
  }

  /**
   * Takes back what was just written where the grant was revoked meanwhile.
   *
   * @throws `OAuthError` with `invalid_grant` in that case.
   */
  async endIfRevoked(grantId: string, issued: readonly IssuedToken[]): Promise<void> {
    if (!(await this.wasRevoked(grantId))) return;
    await this.deleteTokens(issued);
    await this.revoke(grantId);
    throw new OAuthError("invalid_grant", "The login was ended while the request was under way.");
  }

  async deleteTokens(tokens: readonly IssuedToken[]): Promise<void> {
    await Promise.all(
      tokens.map((token) =>
        token.kind === "access_token" ? this.#accessTokens.delete(token.key) : this.#refreshTokens.delete(token.key),
      ),
    );
  }

  /** What was issued for a refresh token and for those that followed it. */
  async #issuedAfter(firstSpentKey: string | undefined): Promise<readonly IssuedToken[]> {
    const issued: IssuedToken[] = [];
    const seen = new Set<string>();
    for (let key = firstSpentKey; key !== undefined && !seen.has(key); ) {
      seen.add(key);
      const successor = (await this.#refreshTokens.get(key))?.successor;
      issued.push(...(successor?.tokens ?? []));
      key = successor?.spentKey;
    }
    return issued;
  }

  #mark(): Grant {
    const { clock, upstream, lifetimes } = this.#configuration;
    const now = clock() / 1000;
    // An answer can be repeated for as long as the grace of its refresh token lasts.
    const expiresAt = now + longestRequest + (2 * upstream.timeout) / 1000 + lifetimes.refreshGrace;
    return { clientId: "", scopes: [], createdAt: now, revokedAt: now, expiresAt, tokens: [] };
  }

  /**
   * The grant is over here whatever Pangea AuthN says, so its refusal or absence does not fail the revocation. Neither
   * does a secret that is no longer configured, which leaves nothing to revoke with.
   */
  async #revokeUpstream(
    grantId: string,
    grant: Grant,
    credential: string,
    wrappedKey = grant.wrappedKey,
  ): Promise<void> {
    if (grant.sealedUpstream === undefined || wrappedKey === undefined) return;
    let tokens: UpstreamTokens;
    try {
      const key = GrantKey.unwrap(this.#configuration.keys, grantId, credential, wrappedKey);
      tokens = key.openSession(grant.sealedUpstream).tokens;
    } catch (failure) {
      if (!(failure instanceof UnsealableError)) throw failure;
      reportFailure(failure);
      return;
    }
    await this.#configuration.upstream.revoke(tokens).catch(() => {});
  }
}
