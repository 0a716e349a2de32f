import type { AccessToken } from "../../records/access-token.ts";
import type { Grant } from "../../records/grant.ts";
import type { Remembered } from "../../storage/memory-read.ts";

/** A token that was found good, and what follows from its records whoever shows it. */
export class VerifiedToken {
  /** Who found so. Two servers over one cache may find differently. */
  readonly verifier: object;
  readonly clientId: string;
  /** The token's scopes, and those that they imply. */
  readonly scopes: readonly string[];
  /** In epoch seconds. */
  readonly expiresAt: number;
  /** What `AuthInfo` has as `extra`. */
  readonly extra: Readonly<Record<string, unknown>>;
  /** The token's scopes alone. */
  readonly ownScopes: readonly string[];
  /** When token or grant expires, in epoch seconds. */
  readonly #goodUntil: number;
  readonly #grant: Remembered<Grant> | undefined;

  /**
   * @param record - Of the token.
   * @param allScopes - The token's scopes, and those that they imply.
   * @param upstreamIssuer - Whose the user's id is.
   * @param grant - Of the token's grant, where it has one.
   * @param grantInMemory - The same as a cache has it.
   */
  constructor(
    verifier: object,
    record: AccessToken & { readonly expiresAt: number },
    allScopes: readonly string[],
    upstreamIssuer: string,
    grant: Grant | undefined,
    grantInMemory: Remembered<Grant> | undefined,
  ) {
    const { clientId, scopes, expiresAt, claims, subject, grantId } = record;
    this.verifier = verifier;
    this.clientId = clientId;
    this.scopes = allScopes;
    this.expiresAt = expiresAt;
    this.extra = {
      ...claims,
      ...(subject !== undefined && { subject, upstreamIssuer }),
      ...(grantId !== undefined && { grantId }),
    };
    this.ownScopes = scopes;
    this.#goodUntil = Math.min(expiresAt, grant?.expiresAt ?? expiresAt);
    this.#grant = grantInMemory;
  }

  /** True while the token is as good as it was found, for a caller who knows that its record is the same. */
  isGood(nowSeconds: number): boolean {
    return nowSeconds < this.#goodUntil && (this.#grant === undefined || this.#grant.current() !== undefined);
  }
}
