import type { JWTPayload } from "jose";
import { OAuthError } from "../../errors.ts";
import { clientAssertionKey } from "../../records/keys.ts";
import { boundedCache } from "../../storage/bounded-cache.ts";
import type { ClientDocuments } from "../client-documents/client-documents.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { KeySet } from "../oauth/key-set.ts";
import { longestRequestSeconds, requirePrompt } from "../oauth/request-time.ts";
import { refusedAssertion as refused } from "./assertion-refusal.ts";
import type { KnownClient } from "./client-registry.ts";

/** An assertion is made for one request; one that lives longer is refused, in seconds. */
const maxLifetimeSeconds = 600;
/** How many assertions this instance remembers by itself. */
const maxRemembered = 10_000;

/** Where the keys of clients are found. */
type ClientKeys = Pick<ClientDocuments, "keys" | "latestKeys">;

type AssertionSettings = Pick<
  ProviderConfiguration,
  "baseUrl" | "clockTolerance" | "instanceClockTolerance" | "issuer" | "now" | "repositories"
>;

/**
 * Verifies `private_key_jwt` (RFC 7523, OpenID Connect Core section 9): the client signs a statement for this server
 * that is good once.
 *
 * That it was used is kept in memory, which decides between requests to this instance, and in the store, which decides
 * between instances.
 */
export class ClientAssertions {
  readonly #configuration: AssertionSettings;
  readonly #documents: ClientKeys;
  readonly #used = boundedCache<string, true>(maxRemembered);

  constructor(configuration: AssertionSettings, documents: ClientKeys) {
    this.#configuration = configuration;
    this.#documents = documents;
  }

  /**
   * Verifies an assertion of a client, and uses it up.
   *
   * @throws {OAuthError} with `invalid_client` when the assertion is refused, `temporarily_unavailable` when the client's
   * keys cannot be fetched now.
   * @throws {StorageError} when the store fails.
   */
  async verify(client: KnownClient, assertion: string | undefined): Promise<void> {
    if (assertion === undefined) {
      throw new OAuthError("invalid_client", "This client must send a client_assertion.");
    }
    const began = this.#configuration.now();
    const { aud, jti, exp } = await this.#read(client, assertion);
    // Another audience could show the assertion here in the client's name, before the client does.
    if (Array.isArray(aud) && aud.length !== 1) throw refused("must be for one audience, this server");
    const { clockTolerance, now } = this.#configuration;
    if (exp === undefined || exp - now() > maxLifetimeSeconds + clockTolerance) {
      throw refused(`must have an exp within ${maxLifetimeSeconds} seconds`);
    }
    if (typeof jti !== "string" || jti === "" || jti.length > 256) {
      throw refused("must have a jti of 1 to 256 characters");
    }
    if (!(await this.#useUp(client.information.client_id, jti, exp))) throw refused("was used before");
    // Whoever was suspended for long may have added what was there, and is gone again.
    requirePrompt(began, now());
  }

  async #read({ information, source }: KnownClient, assertion: string): Promise<JWTPayload> {
    const clientId = information.client_id;
    // With the library that it needs, which few servers ever do.
    const { explain, isAboutKeys, verifySignature } = await import("./assertion-signature.ts");
    const verify = (keys: KeySet) => verifySignature(this.#configuration, clientId, assertion, keys);
    try {
      const known = await this.#documents.keys(information);
      return await verify(known).catch(async (failure: unknown) => {
        // The client may have replaced its keys since its site was asked, with or without a new id.
        if (!isAboutKeys(failure)) throw failure;
        const latest = await this.#documents.latestKeys(information, source === "document" ? clientId : undefined);
        if (latest === undefined) throw failure;
        return verify(latest);
      });
    } catch (failure) {
      throw explain(failure);
    }
  }

  /** False where the assertion was used before. */
  async #useUp(clientId: string, jti: string, expiresAt: number): Promise<boolean> {
    const { now, clockTolerance, instanceClockTolerance, repositories } = this.#configuration;
    const key = clientAssertionKey(clientId, jti);
    if (this.#used.has(key)) return false;
    this.#used.set(key, true);
    try {
      // It may be shown for as long as a clock that is behind takes it for good, by a request that takes its time.
      const tolerance = clockTolerance + instanceClockTolerance;
      const forgetAt = Math.max(expiresAt, now()) + tolerance + longestRequestSeconds;
      return await repositories.clientAssertions.add(key, { clientId, expiresAt: forgetAt });
    } catch (failure) {
      this.#used.delete(key);
      throw failure;
    }
  }
}
