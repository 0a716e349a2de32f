import type { AccessToken } from "../codecs/access-token.ts";
import type { Grant } from "../codecs/grant.ts";
import type { RefreshToken } from "../codecs/refresh-token.ts";
import { OAuthError } from "../errors.ts";
import type { Repository } from "../repository/contract.ts";
import { labelledTokenKey } from "../secrets/token-key.ts";
import type { ProviderConfiguration } from "./configuration.ts";
import { emit } from "./events.ts";
import { GrantKey } from "./grant-key.ts";
import type { PangeaAuthn } from "./pangea-authn.ts";

/** A token that a grant has issued, by its storage key. */
export type IssuedToken = Grant["tokens"][number];

/**
 * Grants: one user's approval of one client. A grant holds the upstream tokens and the identity, and knows the keys of
 * the tokens that it issued, so that revoking it ends them all.
 *
 * A revocation can race an issuance on another instance, and the contract has no transactions. So a revocation first
 * writes a mark and then deletes what it finds, while an issuance first writes and then looks for the mark: whichever
 * order they run in, one of the two sees the other.
 */
export class Grants {
  readonly #grants: Repository<string, Grant>;
  readonly #accessTokens: Repository<string, AccessToken>;
  readonly #refreshTokens: Repository<string, RefreshToken>;
  readonly #configuration: ProviderConfiguration;
  readonly #pangeaAuthn: PangeaAuthn;

  constructor(configuration: ProviderConfiguration, pangeaAuthn: PangeaAuthn) {
    const { repositories } = configuration;
    this.#grants = repositories.grants;
    this.#accessTokens = repositories.accessTokens;
    this.#refreshTokens = repositories.refreshTokens;
    this.#configuration = configuration;
    this.#pangeaAuthn = pangeaAuthn;
  }

  /**
   * The id of the grant that an authorization code leads to. It follows from the code, so that a second use of the code
   * finds what the first one issued without anything being kept for it.
   */
  idForCode(code: string): string {
    return labelledTokenKey("grant", code);
  }

  get(grantId: string): Promise<Grant | undefined> {
    return this.#grants.get(grantId);
  }

  set(grantId: string, grant: Grant): Promise<void> {
    return this.#grants.set(grantId, grant);
  }

  /** The tokens that the grant has issued since its first ones. */
  async laterTokens(grantId: string): Promise<readonly IssuedToken[]> {
    const ledger = await this.#grants.get(ledgerKey(grantId));
    return ledger?.tokens ?? [];
  }

  /** Replaces the list of the tokens that the grant has issued since its first ones. */
  async setLaterTokens(grantId: string, grant: Grant, tokens: readonly IssuedToken[]): Promise<void> {
    const { clientId, scopes, createdAt, expiresAt } = grant;
    const ledger = { clientId, scopes, createdAt, expiresAt, ledgerOf: grantId, tokens: [...tokens] };
    await this.#grants.set(ledgerKey(grantId), ledger);
  }

  /**
   * Ends a grant: its access and refresh tokens here and, where a credential of the grant is at hand to open them, the
   * upstream tokens at Pangea AuthN. A second call is harmless.
   *
   * @param credential - A token or code of the grant. Without one the upstream tokens cannot be opened and are left to
   * expire.
   * @param wrappedKey - The grant's key as wrapped under that credential; the code's own is in the grant.
   * @returns Whether there was a grant to end.
   * @throws `StorageError` when the store fails, in which case something may be left: call again.
   */
  async revoke(grantId: string, credential?: string, wrappedKey?: string): Promise<boolean> {
    const now = this.#configuration.clock() / 1000;
    await this.#grants.set(markKey(grantId), {
      clientId: "",
      scopes: [],
      createdAt: now,
      revokedAt: now,
      expiresAt: now + this.#configuration.lifetimes.grant,
      tokens: [],
    });
    const [grant, later] = await Promise.all([this.#grants.get(grantId), this.laterTokens(grantId)]);
    await this.deleteTokens([...(grant?.tokens ?? []), ...later]);
    await Promise.all([this.#grants.delete(ledgerKey(grantId)), this.#grants.delete(grantId)]);
    if (grant === undefined) return false;
    if (credential !== undefined) await this.#revokeUpstream(grantId, grant, credential, wrappedKey);
    emit("grant-revoked", { clientId: grant.clientId, grantId });
    return true;
  }

  /**
   * Takes back what was just written where the grant was revoked meanwhile.
   *
   * @throws `OAuthError` with `invalid_grant` in that case.
   */
  async endIfRevoked(grantId: string, issued: readonly IssuedToken[]): Promise<void> {
    if ((await this.#grants.get(markKey(grantId))) === undefined) return;
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

  /** The grant is over here whatever Pangea AuthN says, so its refusal or absence does not fail the revocation. */
  async #revokeUpstream(
    grantId: string,
    grant: Grant,
    credential: string,
    wrappedKey = grant.wrappedKey,
  ): Promise<void> {
    if (grant.sealedUpstream === undefined || wrappedKey === undefined) return;
    const key = GrantKey.unwrap(this.#configuration.keys, grantId, credential, wrappedKey);
    const { tokens } = key.openSession(grant.sealedUpstream);
    const both = [tokens.refreshToken, tokens.token].filter((token) => token !== undefined);
    await Promise.allSettled(both.map((token) => this.#pangeaAuthn.revoke(token)));
  }
}

function ledgerKey(grantId: string): string {
  return labelledTokenKey("grant ledger", grantId);
}

function markKey(grantId: string): string {
  return labelledTokenKey("grant revoked", grantId);
}
