import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import { OAuthError } from "../../errors.ts";
import { clientAssertionKey } from "../../records/keys.ts";
import { boundedCache } from "../../storage/bounded-cache.ts";
import type { ClientDocuments } from "../client-documents/client-documents.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { KeySet } from "../oauth/key-set.ts";
import { paths } from "../oauth/paths.ts";
import { longestRequestSeconds, requirePrompt } from "../oauth/request-time.ts";
import type { KnownClient } from "./client-registry.ts";

/** The signatures that are accepted: asymmetric ones only. */
export const assertionAlgorithms: readonly string[] =
  "ES256 ES384 ES512 PS256 PS384 PS512 RS256 RS384 RS512 EdDSA Ed25519".split(" ");

/** An assertion is made for one request; one that lives longer is refused, in seconds. */
const maxLifetimeSeconds = 600;
/** How many keys of a client are tried where the assertion does not say by which it is signed. */
const maxTriedKeys = 50;
/** How many assertions this instance remembers by itself. */
const maxRemembered = 10_000;

/** Where the keys of clients are found. */
type ClientKeys = Pick<ClientDocuments, "keys" | "latestKeys">;

type AssertionSettings = Pick<ProviderConfiguration, "baseUrl" | "clockTolerance" | "issuer" | "now" | "repositories">;

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
    try {
      const known = await this.#documents.keys(information);
      return await this.#verifySignature(clientId, assertion, known).catch(async (failure: unknown) => {
        // The client may have replaced its keys since its site was asked, with or without a new id.
        if (!isAboutKeys(failure)) throw failure;
        const latest = await this.#documents.latestKeys(information, source === "document" ? clientId : undefined);
        if (latest === undefined) throw failure;
        return this.#verifySignature(clientId, assertion, latest);
      });
    } catch (failure) {
      throw explain(failure);
    }
  }

  async #verifySignature(clientId: string, assertion: string, keys: KeySet): Promise<JWTPayload> {
    const { issuer, baseUrl, now, clockTolerance } = this.#configuration;
    const options = {
      algorithms: [...assertionAlgorithms],
      issuer: clientId,
      subject: clientId,
      // RFC 7523 had the token endpoint as the audience; its successor wants the issuer.
      audience: [issuer, baseUrl + paths.token],
      requiredClaims: ["exp", "jti"],
      currentDate: new Date(now() * 1000),
      clockTolerance,
    };
    const keySet = createLocalJWKSet(keys);
    try {
      return (await jwtVerify(assertion, keySet, options)).payload;
    } catch (failure) {
      if (!(failure instanceof errors.JWKSMultipleMatchingKeys)) throw failure;
      let tried = 0;
      for await (const key of failure) {
        tried += 1;
        if (tried > maxTriedKeys) break;
        try {
          return (await jwtVerify(assertion, key, options)).payload;
        } catch (other) {
          // Neither another key's signature nor a key that the library cannot use says anything of the next key.
          if (!isAboutKeys(other)) throw other;
        }
      }
      throw new errors.JWSSignatureVerificationFailed();
    }
  }

  /** False where the assertion was used before. */
  async #useUp(clientId: string, jti: string, expiresAt: number): Promise<boolean> {
    const { now, clockTolerance, repositories } = this.#configuration;
    const key = clientAssertionKey(clientId, jti);
    if (this.#used.has(key)) return false;
    this.#used.set(key, true);
    try {
      // It may be shown for as long as a clock that is behind takes it for good, by a request that takes its time.
      const forgetAt = Math.max(expiresAt, now()) + clockTolerance + longestRequestSeconds;
      return await repositories.clientAssertions.add(key, { clientId, expiresAt: forgetAt });
    } catch (failure) {
      this.#used.delete(key);
      throw failure;
    }
  }
}

function refused(rule: string, cause?: unknown): OAuthError {
  return new OAuthError("invalid_client", `The client_assertion ${rule}.`, cause === undefined ? {} : { cause });
}

/** Whether other keys could have made the difference. What else the library throws is about a key that it cannot use. */
function isAboutKeys(failure: unknown): boolean {
  if (failure instanceof errors.JWSSignatureVerificationFailed) return true;
  return failure instanceof errors.JWKSNoMatchingKey || !(failure instanceof errors.JOSEError);
}

/** What is wrong, in words of our own: the library's errors hold the payload. */
function explain(failure: unknown): unknown {
  if (failure instanceof errors.JWTExpired) return refused("has expired");
  if (failure instanceof errors.JWTClaimValidationFailed) return refused(`has a wrong ${failure.claim}`);
  if (failure instanceof errors.JOSEError) return refused(`cannot be verified (${failure.code})`);
  // Whatever else the library throws is about the client's keys, such as a point that is not on its curve.
  return failure instanceof OAuthError ? failure : refused("cannot be verified with the client's keys", failure);
}
