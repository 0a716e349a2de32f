import { createLocalJWKSet, errors, type JWTPayload, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import { OAuthError } from "../../errors.ts";
import { clientAssertionKey } from "../../records/keys.ts";
import type { OAuthClientInformation } from "../../records/oauth-client-information.ts";
import type { ClientDocuments } from "../client-documents/client-documents.ts";
import type { ProviderConfiguration } from "../configuration/configuration.ts";
import type { KeySet } from "../oauth/key-set.ts";
import { paths } from "../oauth/paths.ts";

/** The signatures that are accepted: asymmetric ones only. */
export const assertionAlgorithms: readonly string[] =
  "ES256 ES384 ES512 PS256 PS384 PS512 RS256 RS384 RS512 EdDSA Ed25519".split(" ");

/** An assertion is made for one request; one that lives longer is refused, in seconds. */
const maxLifetimeSeconds = 600;
/** How many assertions this instance remembers by itself. */
const maxRemembered = 10_000;

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
  readonly #documents: Pick<ClientDocuments, "keys">;
  readonly #used = new LRUCache<string, true>({ max: maxRemembered });

  constructor(configuration: AssertionSettings, documents: Pick<ClientDocuments, "keys">) {
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
  async verify(client: OAuthClientInformation, assertion: string | undefined): Promise<void> {
    if (assertion === undefined) {
      throw new OAuthError("invalid_client", "This client must send a client_assertion.");
    }
    const { jti, exp } = await this.#read(client, assertion);
    const { clockTolerance, now } = this.#configuration;
    if (exp === undefined || exp - now() > maxLifetimeSeconds + clockTolerance) {
      throw refused(`must have an exp within ${maxLifetimeSeconds} seconds`);
    }
    if (jti === undefined || jti === "" || jti.length > 256) throw refused("must have a jti of 1 to 256 characters");
    if (!(await this.#useUp(client.client_id, jti, exp))) throw refused("was used before");
  }

  async #read(client: OAuthClientInformation, assertion: string): Promise<JWTPayload> {
    const verifyBy = async (latest: boolean) =>
      this.#verifySignature(client, assertion, await this.#documents.keys(client, latest));
    try {
      return await verifyBy(false).catch((failure: unknown) => {
        // The client may have a new key since its site was asked.
        if (failure instanceof errors.JWKSNoMatchingKey) return verifyBy(true);
        throw failure;
      });
    } catch (failure) {
      throw explain(failure);
    }
  }

  async #verifySignature(client: OAuthClientInformation, assertion: string, keys: KeySet): Promise<JWTPayload> {
    const { issuer, baseUrl, now, clockTolerance } = this.#configuration;
    const options = {
      algorithms: [...assertionAlgorithms],
      issuer: client.client_id,
      subject: client.client_id,
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
      for await (const key of failure) {
        try {
          return (await jwtVerify(assertion, key, options)).payload;
        } catch (other) {
          if (!(other instanceof errors.JWSSignatureVerificationFailed)) throw other;
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
      // It may be shown for as long as a clock that is behind takes it for good.
      const forgetAt = Math.max(expiresAt, now()) + clockTolerance + 1;
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

/** What is wrong, in words of our own: the library's errors hold the payload. */
function explain(failure: unknown): unknown {
  if (failure instanceof errors.JWTExpired) return refused("has expired");
  if (failure instanceof errors.JWTClaimValidationFailed) return refused(`has a wrong ${failure.claim}`);
  if (failure instanceof errors.JOSEError) return refused(`cannot be verified (${failure.code})`);
  // Whatever else the library throws is about the client's keys, such as a point that is not on its curve.
  return failure instanceof OAuthError ? failure : refused("cannot be verified with the client's keys", failure);
}
