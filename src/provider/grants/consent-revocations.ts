import type { ConsentRevocation } from "../../records/consent-revocation.ts";
import { recordKey } from "../../records/keys.ts";
import type { Repository } from "../../storage/contract.ts";
import { getFresh } from "../../storage/fresh-read.ts";

/** The record of a revocation outlives the decisions before it by this long, for clocks that differ, in seconds. */
const margin = 24 * 60 * 60;

/**
 * What people have allowed is remembered in their browsers, where this server cannot reach it. So the end of a consent is
 * a record here, and whatever a browser remembers is compared with the record once it is known who has logged in.
 */
export class ConsentRevocations {
  readonly #revocations: Repository<string, ConsentRevocation>;
  readonly #now: () => number;
  readonly #rememberSeconds: number;

  constructor(parts: {
    readonly repositories: { readonly consentRevocations: Repository<string, ConsentRevocation> };
    /** The time in epoch seconds. */
    readonly now: () => number;
    readonly consent: { readonly remember: number };
  }) {
    this.#revocations = parts.repositories.consentRevocations;
    this.#now = parts.now;
    this.#rememberSeconds = parts.consent.remember;
  }

  /**
   * Ends what a person has allowed a client until now.
   *
   * @throws {StorageError} when the store fails: the consent may stand, so call again.
   */
  async revoke(subject: string, clientId: string): Promise<void> {
    const revokedAt = this.#now();
    const expiresAt = revokedAt + this.#rememberSeconds + margin;
    await this.#revocations.set(recordKey("consent_revocation", subject, clientId), { revokedAt, expiresAt });
  }

  /**
   * When a person's consent to a client was last revoked, in epoch seconds, if it was.
   *
   * @throws {StorageError} when the store fails.
   */
  async revokedAt(subject: string, clientId: string): Promise<number | undefined> {
    return (await getFresh(this.#revocations, recordKey("consent_revocation", subject, clientId)))?.revokedAt;
  }
}
